"use strict";

// Relative to the page, so that a proxy may have it below any path.
SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  supportedSubmitMethods: methods,
  // Else it asks a server on the internet whether the document is valid.
  validatorUrl: null,
});
