//! PostgreSQL's types as the reader of an API sees them: by name, and by what is inside of them.

use tokio_postgres::types::{Kind, Type};

/// A type of a parameter or of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataType {
    /// PostgreSQL's own name of it: `int4`, `timestamptz`, `side`.
    pub name: String,
    /// What is inside.
    pub form: Form,
}

/// What is inside of a type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Form {
    /// Nothing, or nothing that is known here.
    Simple,
    /// One of these.
    Enum(Vec<String>),
    /// A list of this.
    Array(Box<DataType>),
    /// Fields in order.
    Composite(Vec<(String, DataType)>),
    /// This, with rules of its own.
    Domain(Box<DataType>),
}

/// What JSON has for a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JsonKind {
    /// A string.
    String,
    /// A number.
    Number,
    /// `true` or `false`.
    Boolean,
    /// Anything.
    Any,
    /// A list.
    Array,
    /// An object.
    Object,
}

impl DataType {
    /// What tokio-postgres knows of a type.
    pub fn of(ty: &Type) -> DataType {
        let form = match ty.kind() {
            Kind::Enum(labels) => Form::Enum(labels.clone()),
            Kind::Array(element) => Form::Array(Box::new(DataType::of(element))),
            Kind::Domain(base) => Form::Domain(Box::new(DataType::of(base))),
            Kind::Composite(fields) => Form::Composite(
                fields
                    .iter()
                    .map(|field| (field.name().to_owned(), DataType::of(field.type_())))
                    .collect(),
            ),
            _ => Form::Simple,
        };
        DataType {
            name: ty.name().to_owned(),
            form,
        }
    }

    /// A type with nothing inside.
    pub fn simple(name: &str) -> DataType {
        DataType {
            name: name.to_owned(),
            form: Form::Simple,
        }
    }

    /// The type below all domains.
    pub fn base(&self) -> &DataType {
        match &self.form {
            Form::Domain(base) => base.base(),
            _ => self,
        }
    }

    /// What its elements are, if it is an array.
    pub fn element(&self) -> Option<&DataType> {
        match &self.base().form {
            Form::Array(element) => Some(element),
            _ => None,
        }
    }

    /// What JSON has for it.
    pub fn json(&self) -> JsonKind {
        let base = self.base();
        match (&base.form, base.name.as_str()) {
            (Form::Array(_), _) => JsonKind::Array,
            (Form::Composite(_), _) => JsonKind::Object,
            (Form::Simple, "bool") => JsonKind::Boolean,
            (Form::Simple, "int2" | "int4" | "int8" | "float4" | "float8" | "numeric") => {
                JsonKind::Number
            }
            (Form::Simple, "json" | "jsonb") => JsonKind::Any,
            _ => JsonKind::String,
        }
    }

    /// Whether it is plain text, of any length.
    pub fn is_text(&self) -> bool {
        let base = self.base();
        let texts = ["text", "varchar", "bpchar", "name", "citext", "xml"];
        base.form == Form::Simple && texts.contains(&base.name.as_str())
    }

    /// Whether it is this simple type, or a domain over it.
    pub fn is(&self, name: &str) -> bool {
        let base = self.base();
        base.form == Form::Simple && base.name == name
    }
}
