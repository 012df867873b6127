//! The program's own queries.

use std::sync::Arc;

use super::Api;
use crate::endpoint::Declared;
use crate::sql::OwnQuery;

impl Api {
    /// Has connections prepare these queries of the program's own, for [`Context::query`](crate::Context::query). The SQL
    /// endpoints are there already.
    pub fn own(mut self, queries: &[OwnQuery]) -> Api {
        let (mut read, mut write) = (self.read.to_vec(), self.write.to_vec());
        let declared = queries.iter().map(|own| {
            let pool = match own.reads() {
                true => &mut read,
                false => &mut write,
            };
            let statements = own.statements().map(|(query, names)| {
                pool.push(query);
                (pool.len() - 1, names)
            });
            let declared = Declared {
                statements: statements.collect(),
                reads: own.reads(),
            };
            (Arc::from(own.name()), declared)
        });
        self.queries = Arc::new(declared.collect());
        (self.read, self.write) = (read.into(), write.into());
        self
    }
}
