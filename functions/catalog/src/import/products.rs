//! Where the products of a feed come together, are counted and handed on.

use vitrine_domain::Product;

use super::draft::Draft;
use super::error::ImportError;
use super::format::Format;
use super::group::Group;
use super::options::Options;
use super::report::{At, Reason, Refusal, Report, Tally};
use super::window::Window;

/// What receives products.
pub(super) type Sink<'s> = dyn FnMut(Product) -> Result<(), ImportError> + 's;

/// The products of one import.
pub(super) struct Products<'s> {
    pub(super) tally: Tally,
    pub(super) options: &'s Options,
    sink: &'s mut Sink<'s>,
    groups: Window<Group>,
}

impl<'s> Products<'s> {
    pub(super) fn new(format: Format, options: &'s Options, sink: &'s mut Sink<'s>) -> Self {
        let tally = Tally::new(format, options.limits.rows);
        Self { tally, options, sink, groups: Window::new(options.limits.window_bytes) }
    }

    /// A row that is a product by itself, or says why it is none.
    pub(super) fn single(&mut self, at: At, draft: Result<Draft, Refusal>) -> Result<(), ImportError> {
        match draft.and_then(|draft| draft.build(at, self.options, &mut self.tally)) {
            Ok(product) => self.emit(product, 1),
            Err(refusal) => {
                self.tally.refuse(at, 1, refusal);
                Ok(())
            }
        }
    }

    /// A row that belongs to a product with other rows.
    pub(super) fn part(
        &mut self,
        at: At,
        group: &str,
        weight: usize,
        add: impl FnOnce(&mut Group),
    ) -> Result<(), ImportError> {
        if let Err(refusal) = super::draft::product_id(group, "group") {
            self.tally.refuse(at, 1, refusal);
            return Ok(());
        }
        if self.groups.is_closed(group) {
            let what = "other rows of this product stood so far away that it was handed on without this one";
            self.tally.refuse(at, 1, Refusal::new(Reason::Scattered, what).value(group));
            return Ok(());
        }
        let open = self.groups.touch(group, weight, || Group::new(group, at));
        open.rows += 1;
        add(open);
        while let Some(group) = self.groups.overflow() {
            self.whole(group)?;
        }
        Ok(())
    }

    /// A product that all rows of are known of.
    pub(super) fn whole(&mut self, group: Group) -> Result<(), ImportError> {
        let (first, rows) = (group.first, group.rows);
        match group.finish(self.options, &mut self.tally) {
            Ok(product) => self.emit(product, rows),
            Err(refusal) => {
                self.tally.refuse(first, rows, refusal);
                Ok(())
            }
        }
    }

    fn emit(&mut self, product: Product, rows: u64) -> Result<(), ImportError> {
        (self.sink)(product)?;
        self.tally.keep(rows);
        self.tally.report.products += 1;
        Ok(())
    }

    /// Ends the import. Products that were still waiting for rows are whole if the input was read to its end, and cannot
    /// be trusted if not.
    pub(super) fn conclude(mut self, read: Result<(), ImportError>) -> Result<Report, ImportError> {
        let waiting = self.groups.drain();
        let outcome = match read {
            Ok(()) => waiting.into_iter().try_for_each(|group| self.whole(group)),
            Err(error) => {
                for group in waiting {
                    let refusal = Refusal::new(Reason::Unfinished, "the input broke off; more rows may be missing");
                    self.tally.refuse(group.first, group.rows, refusal);
                }
                Err(error)
            }
        };
        self.tally.conclude(outcome)
    }
}
