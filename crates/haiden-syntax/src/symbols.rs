//! Names, each stored once and known by a small number.
//!
//! In: the parser (and later passes) intern names. Out: [`Symbol`]s, dense from 0 in order of first use, so a
//! pass can keep an array indexed by them. Invariants: numbers depend only on the order of first use; a look-up
//! costs a bounded number of probes plus, for names chosen to collide, one ordered-map look-up, so hostile
//! names cannot make it quadratic although the hash has no secret.

use std::collections::BTreeMap;

/// A name of one [`Symbols`] table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Symbol(pub u32);

impl Symbol {
    /// Its number, to index an array with.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// The names of a template.
#[derive(Debug, Clone, Default)]
pub struct Symbols {
    text: String,
    entries: Vec<Entry>,
    /// Symbol number + 1; 0 is free. The length is a power of two, or 0.
    table: Vec<u32>,
    crowded: BTreeMap<Box<str>, Symbol>,
}

/// A name with its hash, which a constant has computed by the compiler.
#[derive(Debug, Clone, Copy)]
pub struct Key<'n> {
    name: &'n str,
    hash: u32,
}

impl<'n> Key<'n> {
    /// The key of a name.
    pub const fn new(name: &'n str) -> Self {
        Self { name, hash: hash(name.as_bytes()) }
    }
}

/// Where a name ends in the text, and its hash.
#[derive(Debug, Clone, Copy)]
struct Entry {
    end: u32,
    hash: u32,
}

/// How many slots a look-up visits before it asks the ordered map.
const PROBES: usize = 24;

impl Symbols {
    /// No names.
    pub fn new() -> Self {
        Self::default()
    }

    /// Forgets all names and keeps the memory.
    pub fn clear(&mut self) {
        self.text.clear();
        self.entries.clear();
        self.table.fill(0);
        self.crowded.clear();
    }

    /// How many names there is room for.
    pub fn capacity(&self) -> usize {
        self.entries.capacity().max(self.text.capacity() / 8)
    }

    /// How many names there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The text of a name of this table; the empty text for a foreign number.
    pub fn name(&self, symbol: Symbol) -> &str {
        let index = symbol.index();
        let Some(entry) = self.entries.get(index) else { return "" };
        let start = if index == 0 { 0 } else { self.entries[index - 1].end };
        &self.text[start as usize..entry.end as usize]
    }

    /// All names in the order of their numbers.
    pub fn iter(&self) -> impl Iterator<Item = (Symbol, &str)> {
        (0..self.entries.len() as u32).map(|number| (Symbol(number), self.name(Symbol(number))))
    }

    /// The symbol of a name, if it is known.
    pub fn get(&self, name: &str) -> Option<Symbol> {
        self.find(&Key::new(name))
    }

    /// The symbol of a name that was hashed before.
    pub fn find(&self, key: &Key<'_>) -> Option<Symbol> {
        let &Key { name, hash } = key;
        match self.probe(name, hash) {
            Probe::Found(symbol) => Some(symbol),
            Probe::Free(_) => None,
            Probe::Crowded => self.crowded.get(name).copied(),
        }
    }

    /// The symbol of a name, which is added if it is new.
    pub fn intern(&mut self, name: &str) -> Symbol {
        if self.table.len() < self.entries.len() * 2 + 2 {
            self.grow();
        }
        let hash = hash(name.as_bytes());
        match self.probe(name, hash) {
            Probe::Found(symbol) => symbol,
            Probe::Free(slot) => {
                let symbol = self.push(name, hash);
                self.table[slot] = symbol.0 + 1;
                symbol
            }
            Probe::Crowded => {
                if let Some(&symbol) = self.crowded.get(name) {
                    return symbol;
                }
                let symbol = self.push(name, hash);
                self.crowded.insert(name.into(), symbol);
                symbol
            }
        }
    }

    fn push(&mut self, name: &str, hash: u32) -> Symbol {
        let symbol = Symbol(self.entries.len() as u32);
        self.text.push_str(name);
        self.entries.push(Entry { end: self.text.len() as u32, hash });
        symbol
    }

    #[inline]
    fn probe(&self, name: &str, hash: u32) -> Probe {
        if self.table.is_empty() {
            return Probe::Crowded;
        }
        let mask = self.table.len() - 1;
        let mut slot = hash as usize & mask;
        for _ in 0..PROBES.min(self.table.len()) {
            let number = self.table[slot];
            if number == 0 {
                return Probe::Free(slot);
            }
            let symbol = Symbol(number - 1);
            if self.entries[symbol.index()].hash == hash && self.name(symbol) == name {
                return Probe::Found(symbol);
            }
            slot = (slot + 1) & mask;
        }
        Probe::Crowded
    }

    #[cold]
    fn grow(&mut self) {
        let size = (self.table.len() * 2).max(64);
        if self.table.is_empty() {
            self.text.reserve(192);
            self.entries.reserve(32);
        }
        self.table = vec![0; size];
        self.crowded.clear();
        for number in 0..self.entries.len() as u32 {
            let mut slot = self.entries[number as usize].hash as usize & (size - 1);
            let mut probes = 0;
            while self.table[slot] != 0 && probes < PROBES {
                slot = (slot + 1) & (size - 1);
                probes += 1;
            }
            if probes < PROBES {
                self.table[slot] = number + 1;
            } else {
                let name = self.name(Symbol(number)).into();
                self.crowded.insert(name, Symbol(number));
            }
        }
    }
}

/// Equal tables hold the same names under the same numbers.
impl PartialEq for Symbols {
    fn eq(&self, other: &Self) -> bool {
        let ends = |symbols: &Self| symbols.entries.iter().map(|entry| entry.end).collect::<Vec<_>>();
        self.text == other.text && ends(self) == ends(other)
    }
}

enum Probe {
    Found(Symbol),
    Free(usize),
    Crowded,
}

/// Mixes eight bytes at a time by folding a 128-bit product.
#[inline]
const fn hash(bytes: &[u8]) -> u32 {
    const KEY: u64 = 0x9E37_79B9_7F4A_7C15;
    let mut state = KEY ^ bytes.len() as u64;
    let mut rest = bytes;
    while let Some((chunk, more)) = rest.split_first_chunk() {
        state = fold(state ^ u64::from_le_bytes(*chunk), KEY);
        rest = more;
    }
    let mut word = 0;
    let mut shift = 0;
    while let Some((&byte, more)) = rest.split_first() {
        word |= (byte as u64) << shift;
        shift += 8;
        rest = more;
    }
    state = fold(state ^ word, 0xD6E8_FEB8_6659_FD93);
    (state ^ (state >> 32)) as u32
}

const fn fold(a: u64, b: u64) -> u64 {
    let product = (a as u128) * (b as u128);
    (product as u64) ^ ((product >> 64) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_follow_first_use_and_survive_growth() {
        let mut symbols = Symbols::new();
        let names: Vec<String> = (0..5000).map(|number| format!("name{number}")).collect();
        for (number, name) in names.iter().enumerate() {
            assert_eq!(symbols.intern(name).index(), number);
        }
        for (number, name) in names.iter().enumerate() {
            assert_eq!(symbols.intern(name).index(), number);
            assert_eq!(symbols.get(name).map(Symbol::index), Some(number));
            assert_eq!(symbols.name(Symbol(number as u32)), name);
        }
        assert_eq!(symbols.get("other"), None);
        assert_eq!(symbols.name(Symbol(9999)), "");
    }

    #[test]
    fn colliding_names_are_kept_apart() {
        // Names whose hashes share their low bits fill one run of the table.
        let mut symbols = Symbols::new();
        let names: Vec<String> =
            (0..400_000).map(|n| format!("k{n}")).filter(|n| hash(n.as_bytes()) & 0xFFF == 7).collect();
        assert!(names.len() > 60);
        for name in &names {
            symbols.intern(name);
        }
        assert!(!symbols.crowded.is_empty());
        for (number, name) in names.iter().enumerate() {
            assert_eq!(symbols.get(name), Some(Symbol(number as u32)));
        }
    }
}
