//! What a fault is made of: a closure that changes a structure between two steps.

/// Changes to make to a `T`, in the order in which they were added.
pub struct Hooks<T>(Vec<Change<T>>);

type Change<T> = Box<dyn Fn(&mut T)>;

impl<T> Default for Hooks<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Hooks<T> {
    /// Adds a change.
    pub fn add(&mut self, change: impl Fn(&mut T) + 'static) {
        self.0.push(Box::new(change));
    }

    /// Makes all changes.
    pub fn run(&self, target: &mut T) {
        for change in &self.0 {
            change(target);
        }
    }
}
