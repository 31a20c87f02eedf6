//! Loops: the test for another item is at the bottom, so that a turn costs one jump.

use haiden_bytecode::Op;

use super::{Around, Lower, Patch, Reg, Result};
use crate::ir::{Ahead, ExprId, For, Place, Target};

impl<'a> Lower<'_, 'a> {
    pub(super) fn for_loop(&mut self, node: &For<'a>) -> Result<()> {
        let at = self.at;
        for &number in &node.hoist {
            self.resolve(number);
        }
        self.at = at;
        let iter = match node.iter {
            Some(iter) => self.operand(iter)?,
            None => 0,
        };
        self.at = at;
        let slot = node.slot as u8;
        self.abc_for(slot, iter, node.flags);
        let inline_test = node.test.filter(|_| node.ahead == Ahead::No);
        let filters = self.filters.len();
        let filter = match (&node.ahead, node.test) {
            (Ahead::Eager, Some(test)) => {
                self.collect(node, test, slot)?;
                None
            }
            (Ahead::Lazy(target), Some(test)) => Some(self.filter(target, test, slot)?),
            _ => None,
        };
        self.filters.push((slot, filter));
        // Whether no turn reached the end of the body: needed where that is more than "there was no item".
        let flagged = !node.otherwise.is_empty() && (node.leaves || inline_test.is_some());
        let flag = if flagged {
            let flag = self.alloc()?;
            self.abc(Op::LoadBool, 1, flag, 0, 0);
            Some(flag)
        } else {
            None
        };
        let item = self.item_register(&node.target)?;
        let mark = self.mark();
        let mut end = Vec::new();
        let enter = [if node.otherwise.is_empty() || flagged {
            self.jump()
        } else {
            self.look_ahead(slot, false);
            let first = self.next(slot, item, 0);
            self.abc(Op::EndFor, slot, 0, 0, 0);
            self.stmts(&node.otherwise)?;
            self.back_to(mark);
            end.push(self.jump());
            first
        }];
        let body = self.here();
        let first_goes_to_body = !(node.otherwise.is_empty() || flagged);
        if first_goes_to_body {
            self.patch(&enter, body)?;
        }
        let captures = self.captures;
        self.around.push(Around { breaks: Vec::new(), continues: Vec::new(), captures });
        if let Item::Unpack(register) = item {
            self.assign(&node.target, register)?;
        }
        let mut refused = Vec::new();
        if let Some(test) = inline_test {
            self.branch(test, false, &mut refused)?;
        }
        if let Some(place) = node.object {
            let register = self.alloc()?;
            self.abc(Op::LoopObject, slot, register, 0, 0);
            self.store(place, register);
        }
        self.stmts(&node.body)?;
        self.at = at;
        if let Some(flag) = flag {
            self.abc(Op::LoadBool, 0, flag, 0, 0);
        }
        let Some(around) = self.around.pop() else { return Ok(()) };
        if !refused.is_empty() {
            let over = self.jump();
            self.patch_here(&refused)?;
            self.abc(Op::Skip, slot, 0, 0, 0);
            self.patch_here(&[over])?;
        }
        let next = self.here();
        self.patch(&around.continues, next)?;
        if !first_goes_to_body {
            self.patch(&enter, next)?;
        }
        self.look_ahead(slot, false);
        self.next(slot, item, body);
        self.back_to(mark);
        self.patch_here(&around.breaks)?;
        self.abc(Op::EndFor, slot, 0, 0, 0);
        self.filters.truncate(filters);
        if let Some(flag) = flag {
            let skip = Patch::Wide(self.aw(Op::JumpUnless, 0, flag, 0));
            self.stmts(&node.otherwise)?;
            self.back_to(mark);
            end.push(skip);
        }
        self.patch_here(&end)
    }

    fn abc_for(&mut self, slot: u8, iter: Reg, flags: u32) {
        self.aw(Op::For, slot, iter, flags);
    }

    /// Takes all items that pass the filter first, and starts the loop over those.
    fn collect(&mut self, node: &For<'a>, test: ExprId, slot: u8) -> Result<()> {
        let list = self.alloc()?;
        self.abc(Op::MakeList, 0, list, 0, 0);
        let item = self.alloc()?;
        let enter = self.jump();
        let mark = self.mark();
        let body = self.here();
        let top = self.top;
        self.assign(&node.target, item)?;
        let mut refused = Vec::new();
        self.branch(test, false, &mut refused)?;
        let passed = self.gather(&node.target, item)?;
        self.abc(Op::ExtendList, 0, list, passed, 1);
        self.top = top;
        self.patch_here(&refused)?;
        self.patch_here(&[enter])?;
        self.aw(Op::Next, slot, item, body);
        self.back_to(mark);
        self.abc(Op::EndFor, slot, 0, 0, 0);
        self.abc_for(slot, list, node.flags);
        Ok(())
    }

    /// The filter of a loop that looks ahead: code beside the loop, which `LookAhead` enters and `Looked` leaves. Its
    /// registers stay its own until the loop is over, since it may run in the middle of any expression of the body.
    fn filter(&mut self, target: &Target, test: ExprId, slot: u8) -> Result<u32> {
        let (over, mark) = (self.jump(), self.mark());
        let most = std::mem::replace(&mut self.max, self.top);
        let item = self.alloc()?;
        let filter = self.here();
        let found = Patch::Wide(self.aw(Op::Pull, slot, item, 0));
        self.abc(Op::LoadMissing, 0, item, 0, 0);
        let none = self.jump();
        self.patch_here(&[found])?;
        self.assign(target, item)?;
        let mut refused = Vec::new();
        self.branch(test, false, &mut refused)?;
        // What passes is what the targets hold: an item that was taken apart is a tuple from here on.
        let passed = self.gather(target, item)?;
        self.settle(passed, item);
        self.patch_here(&[none])?;
        self.aw(Op::Looked, slot, item, filter);
        self.patch_here(&refused)?;
        self.aw(Op::Jump, 0, 0, filter);
        self.back_to(mark);
        self.patch_here(&[over])?;
        self.top = self.max;
        self.max = self.max.max(most);
        Ok(filter)
    }

    /// The value of targets, into `into` if it has to be made.
    fn gather(&mut self, target: &Target, into: Reg) -> Result<Reg> {
        match target {
            Target::Place(Place::Local(local)) => Ok(*local as Reg),
            Target::Tuple(targets) => {
                let top = self.top;
                let first = top as Reg;
                for _ in targets {
                    self.alloc()?;
                }
                for (place, target) in targets.iter().enumerate() {
                    let register = first + place as Reg;
                    let value = self.gather(target, register)?;
                    self.settle(value, register);
                }
                self.abc(Op::MakeTuple, 0, into, first, targets.len() as u16);
                self.top = top;
                Ok(into)
            }
            // A filter's targets are its own registers.
            _ => Ok(into),
        }
    }

    /// In a loop whose filter looks ahead: finds its next item, or all of them, if that is not known.
    pub(super) fn look_ahead(&mut self, slot: u8, all: bool) {
        if let Some(&(_, Some(filter))) = self.filters.iter().rfind(|(filtered, _)| *filtered == slot) {
            self.aw(Op::LookAhead, slot, u16::from(all), filter);
        }
    }

    /// How an item gets to its target.
    fn item_register(&mut self, target: &Target) -> Result<Item> {
        match target {
            Target::Place(Place::Local(local)) => Ok(Item::One(*local as Reg)),
            Target::Tuple(targets) => {
                if let [Target::Place(Place::Local(first)), Target::Place(Place::Local(second))] = targets[..]
                    && second == first + 1
                {
                    return Ok(Item::Pair(first as Reg));
                }
                Ok(Item::Unpack(self.alloc()?))
            }
            _ => Ok(Item::Unpack(self.alloc()?)),
        }
    }

    fn next(&mut self, slot: u8, item: Item, body: u32) -> Patch {
        Patch::Wide(match item {
            Item::One(register) | Item::Unpack(register) => self.aw(Op::Next, slot, register, body),
            Item::Pair(register) => self.aw(Op::NextPair, slot, register, body),
        })
    }

    /// `break` or `continue`: captures that were opened inside the loop end here, and are dropped.
    pub(super) fn leave_loop(&mut self, is_break: bool) -> Result<()> {
        let Some(around) = self.around.last() else { return Ok(()) };
        for _ in around.captures..self.captures {
            let dropped = self.alloc()?;
            self.abc(Op::EndCapture, 0, dropped, 0, 0);
        }
        let jump = self.jump();
        if let Some(around) = self.around.last_mut() {
            if is_break {
                around.breaks.push(jump);
            } else {
                around.continues.push(jump);
            }
        }
        Ok(())
    }
}

/// How an item gets to its target.
#[derive(Clone, Copy)]
enum Item {
    /// Into this register.
    One(Reg),
    /// Its two parts into this register and the next.
    Pair(Reg),
    /// Into this register, then apart.
    Unpack(Reg),
}
