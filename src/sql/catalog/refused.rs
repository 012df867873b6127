//! A statement that does not prepare, as a finding.

use tokio_postgres::error::{DbError, ErrorPosition};

use crate::pg::PrepareError;
use crate::sql::file::Definition;
use crate::sql::finding::Finding;
use crate::sql::statement::Statement;

/// Why a definition's statement of this number is refused, where it stands in the file.
pub(super) fn finding(definition: &Definition, statement: usize, error: &PrepareError) -> Finding {
    let db = match error {
        PrepareError::Postgres(error) => error.as_db_error(),
        PrepareError::Column(_) | PrepareError::Type(_) => None,
    };
    let Some(db) = db else {
        return definition.finding(format!("{}: {error}", definition.name));
    };
    let statement = &definition.statements[statement];
    let at = match db.position() {
        Some(ErrorPosition::Original(position)) => statement.position_in_file(*position),
        _ => definition.at,
    };
    let finding = Finding::new(&definition.source, at, db.message());
    match hint(statement, db) {
        Some(hint) => finding.with_hint(hint),
        None => finding,
    }
}

fn hint(statement: &Statement, db: &DbError) -> Option<String> {
    if !matches!(db.code().code(), "42P08" | "42P18") {
        return db.hint().map(str::to_owned);
    }
    // "could not determine data type of parameter $1"
    let number: Option<usize> = db
        .message()
        .rsplit_once('$')
        .and_then(|(_, number)| number.parse().ok());
    let name = number.and_then(|number| statement.parameters.get(number.checked_sub(1)?));
    let name = name.map_or("name", |(name, _)| name.as_str());
    Some(format!(
        "declare its type in a line below the route, such as `-- :{name} text default null`"
    ))
}
