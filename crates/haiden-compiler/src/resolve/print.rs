//! Prints scopes: one line a frame, one a variable.

use std::fmt;

use super::{FrameId, Load, Role, Scopes};

impl fmt::Display for Scopes<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, frame) in self.frames.iter().enumerate() {
            let kind = self.functions[frame.function.index()].kind;
            write!(f, "frame {index} level {} in {kind:?} {}", frame.level, frame.function.0)?;
            match frame.parent {
                Some(parent) => writeln!(f, " under {}", parent.0)?,
                None => writeln!(f)?,
            }
            for variable in self.variables(FrameId(index as u32)) {
                let load = match variable.load {
                    Load::Parameter => "param".to_owned(),
                    Load::Resolve => "resolve".to_owned(),
                    Load::Alias(outer) => {
                        let level = self
                            .frames
                            .iter()
                            .find(|frame| (frame.variables.0..frame.variables.1).contains(&outer.0))
                            .map_or(0, |frame| frame.level);
                        format!("alias l_{level}_{}", self.text(self.variables[outer.index()].name))
                    }
                    Load::Undefined => "undefined".to_owned(),
                };
                write!(f, "  {}: {load}", self.text(variable.name))?;
                if variable.stored {
                    f.write_str(" stored")?;
                }
                if variable.role != Role::Plain {
                    write!(f, " {:?}", variable.role)?;
                }
                if let Some(cell) = variable.cell {
                    write!(f, " cell {cell}")?;
                }
                writeln!(f)?;
            }
        }
        Ok(())
    }
}
