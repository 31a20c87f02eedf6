//! Names of what is measured: a workload (templates and data) in a mode (what is timed).
//!
//! In: text such as `shop:prepared`. Out: [`Case`]. Invariant: `Display` and `FromStr` agree.

use std::fmt;
use std::str::FromStr;

/// A template set with its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Workload {
    /// 1000 rows of 10 integers.
    Table,
    /// A page of a few hundred bytes.
    Tiny,
    /// A listing of 50 products, three levels of inheritance, a macro and an include per item.
    Shop,
    /// About 100 KB of text full of characters to escape.
    Escape,
    /// 10,000 turns of integer arithmetic, comparison and assignment.
    Logic,
    /// Five levels of inheritance with `super()`, and 200 macro calls.
    Inherit,
    /// A generated page template of 1 KB.
    Html1k,
    /// A generated page template of 10 KB.
    Html10k,
    /// A generated page template of 100 KB.
    Html100k,
}

impl Workload {
    /// The workloads that are rendered.
    pub const RENDERED: [Self; 6] =
        [Self::Table, Self::Tiny, Self::Shop, Self::Escape, Self::Logic, Self::Inherit];
    /// The generated ones, for compile and load.
    pub const GENERATED: [Self; 3] = [Self::Html1k, Self::Html10k, Self::Html100k];
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Table,
        Self::Tiny,
        Self::Shop,
        Self::Escape,
        Self::Logic,
        Self::Inherit,
        Self::Html1k,
        Self::Html10k,
        Self::Html100k,
    ];

    /// Its name on the command line, in the protocol and in the tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Tiny => "tiny",
            Self::Shop => "shop",
            Self::Escape => "escape",
            Self::Logic => "logic",
            Self::Inherit => "inherit",
            Self::Html1k => "html1k",
            Self::Html10k => "html10k",
            Self::Html100k => "html100k",
        }
    }
}

/// What is timed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mode {
    /// Rendering, with the engine's own context value made ahead.
    Prepared,
    /// Rendering, with the context made from plain structs through serde at each render.
    Serialize,
    /// Rendering by compiled code that reads the structs in place.
    Struct,
    /// From source text to a template that is ready to render; all templates of the workload.
    Compile,
    /// From the bytes of compiled images to programs that are ready to render.
    Load,
}

impl Mode {
    /// All modes.
    pub const ALL: [Self; 5] = [Self::Prepared, Self::Serialize, Self::Struct, Self::Compile, Self::Load];

    /// Its name in the protocol.
    pub fn name(self) -> &'static str {
        match self {
            Self::Prepared => "prepared",
            Self::Serialize => "serialize",
            Self::Struct => "struct",
            Self::Compile => "compile",
            Self::Load => "load",
        }
    }

    /// The workloads that this mode is measured on.
    pub fn workloads(self) -> &'static [Workload] {
        match self {
            Self::Prepared | Self::Serialize | Self::Struct => &Workload::RENDERED,
            Self::Compile => &Workload::ALL,
            Self::Load => &Workload::GENERATED,
        }
    }
}

/// One thing to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Case {
    /// Templates and data.
    pub workload: Workload,
    /// What is timed.
    pub mode: Mode,
}

impl fmt::Display for Case {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}", self.workload.name(), self.mode.name())
    }
}

impl FromStr for Case {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (workload, mode) = text.split_once(':').ok_or_else(|| format!("`{text}` is no WORKLOAD:MODE"))?;
        let found = Workload::ALL.into_iter().find(|known| known.name() == workload);
        let workload = found.ok_or_else(|| format!("no workload is named `{workload}`"))?;
        let found = Mode::ALL.into_iter().find(|known| known.name() == mode);
        let mode = found.ok_or_else(|| format!("no mode is named `{mode}`"))?;
        Ok(Self { workload, mode })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for mode in Mode::ALL {
            for &workload in mode.workloads() {
                let case = Case { workload, mode };
                assert_eq!(case.to_string().parse(), Ok(case));
            }
        }
        assert!("shop".parse::<Case>().is_err());
        assert!("shop:fast".parse::<Case>().is_err());
    }
}
