//! A store of one's own, behind something that is ill: as it is, and left alone after it failed.

use std::sync::Arc;

use haiden::cache::{Bucket, BytecodeCache, CacheError, Counted, Pausing};

use crate::table::{Cache, DEADLINE, LOOKUPS, Table, nothing};

/// Says no; late, as one that waits for a server does.
struct Ill {
    late: bool,
}

impl Ill {
    fn fail(&self) -> Result<(), CacheError> {
        if self.late {
            std::thread::sleep(DEADLINE);
        }
        Err(CacheError::other("no cable"))
    }
}

impl BytecodeCache for Ill {
    fn load_bytecode(&self, _: &mut Bucket<'_>) -> Result<(), CacheError> {
        self.fail()
    }
    fn dump_bytecode(&self, _: &Bucket<'_>) -> Result<(), CacheError> {
        self.fail()
    }
}

pub(crate) fn own(table: &mut Table) {
    for (fault, late) in [("fails at once, Pausing", false), ("fails late, Pausing", true)] {
        let cache: Cache = Arc::new(Counted::new(Pausing::new(Ill { late })));
        table.check("user's own", fault, &cache, nothing, |figures| figures.load_failures == LOOKUPS);
    }
}
