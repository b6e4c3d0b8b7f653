//! A tree over a row of leaves, each of whose inner nodes says something of all leaves below it.

/// What is said of some leaves.
pub(super) trait Summary: Clone {
    /// Of no leaf at all.
    fn empty() -> Self;
    /// Of the leaves of two neighbours together.
    fn join(left: &Self, right: &Self) -> Self;
}

/// The tree, its inner nodes and leaves in one row: the root at 1, the two below a node at twice its place.
#[derive(Clone, Debug)]
pub(super) struct Tree<S> {
    nodes: Vec<S>,
    first_leaf: usize,
}

impl<S: Summary> Tree<S> {
    /// The tree of these leaves.
    pub(super) fn of(leaves: impl ExactSizeIterator<Item = S>) -> Self {
        let first_leaf = leaves.len().next_power_of_two();
        let mut nodes = vec![S::empty(); 2 * first_leaf];
        leaves.enumerate().for_each(|(place, leaf)| nodes[first_leaf + place] = leaf);
        let mut tree = Self { nodes, first_leaf };
        tree.rebuild();
        tree
    }

    /// Everything.
    pub(super) fn root(&self) -> &S {
        &self.nodes[1]
    }

    pub(super) fn leaf(&self, place: usize) -> &S {
        &self.nodes[self.first_leaf + place]
    }

    /// Changes a leaf and what is said of it above.
    pub(super) fn set(&mut self, place: usize, leaf: S) {
        self.put(place, leaf);
        let mut node = (self.first_leaf + place) / 2;
        while node > 0 {
            self.nodes[node] = S::join(&self.nodes[2 * node], &self.nodes[2 * node + 1]);
            node /= 2;
        }
    }

    /// Changes a leaf and nothing above: [`Tree::rebuild`] is to follow.
    pub(super) fn put(&mut self, place: usize, leaf: S) {
        self.nodes[self.first_leaf + place] = leaf;
    }

    /// Says everything above the leaves anew.
    pub(super) fn rebuild(&mut self) {
        for node in (1..self.first_leaf).rev() {
            self.nodes[node] = S::join(&self.nodes[2 * node], &self.nodes[2 * node + 1]);
        }
    }

    /// The first leaf of which `is_it` holds. Where it holds of a leaf, `may_hold` must of all that is above it.
    pub(super) fn first(
        &self,
        may_hold: &impl Fn(&S) -> bool,
        is_it: &impl Fn(usize) -> bool,
    ) -> Option<usize> {
        self.first_below(1, may_hold, is_it)
    }

    fn first_below(
        &self,
        node: usize,
        may_hold: &impl Fn(&S) -> bool,
        is_it: &impl Fn(usize) -> bool,
    ) -> Option<usize> {
        if !may_hold(&self.nodes[node]) {
            return None;
        }
        if let Some(place) = node.checked_sub(self.first_leaf) {
            return Some(place).filter(|&place| is_it(place));
        }
        let below = |node| self.first_below(node, may_hold, is_it);
        below(2 * node).or_else(|| below(2 * node + 1))
    }
}

impl Tree<u32> {
    /// The leaf that holds the `nth` of what the leaves count, from 0.
    pub(super) fn nth(&self, mut nth: u32) -> usize {
        let mut node = 1;
        while node < self.first_leaf {
            node *= 2;
            if nth >= self.nodes[node] {
                nth -= self.nodes[node];
                node += 1;
            }
        }
        node - self.first_leaf
    }
}

/// Of numbers, their sum.
impl Summary for u32 {
    fn empty() -> Self {
        0
    }

    fn join(left: &Self, right: &Self) -> Self {
        left + right
    }
}
