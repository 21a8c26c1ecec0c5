//! The tree of a trace, and its text.

use std::fmt;

use super::{NodeKind, Tracer};

/// The most nodes that a trace keeps; a resubmit bomb is cut off there.
const MAX_NODES: usize = 100_000;

/// One thing that a translation did.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TreeNode {
    /// What it is.
    pub kind: NodeKind,
    /// As the trace prints it.
    pub text: String,
    /// What happened inside.
    pub inner: Vec<TreeNode>,
}

/// A tracer that keeps everything as a tree. Its `Display` is the text between the flow and the results that
/// `ofproto/trace` prints.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    roots: Vec<TreeNode>,
    open: Vec<TreeNode>,
    nodes: usize,
    names: bool,
}

impl Tree {
    /// An empty one; with `names`, its texts have names of ports.
    pub(crate) fn with_names(names: bool) -> Self {
        Self { names, ..Self::default() }
    }

    /// The outermost nodes.
    pub fn roots(&self) -> &[TreeNode] {
        &self.roots
    }

    fn add(&mut self, node: TreeNode) {
        match self.open.last_mut() {
            Some(outer) => outer.inner.push(node),
            None => self.roots.push(node),
        }
    }
}

impl Tracer for Tree {
    const ACTIVE: bool = true;

    fn report(&mut self, kind: NodeKind, text: String) {
        self.nodes += 1;
        if self.nodes <= MAX_NODES {
            self.add(TreeNode { kind, text, inner: Vec::new() });
        }
    }

    fn open(&mut self, kind: NodeKind, text: String) {
        self.nodes += 1;
        self.open.push(TreeNode { kind, text, inner: Vec::new() });
    }

    fn close(&mut self) {
        if let Some(node) = self.open.pop()
            && (self.nodes <= MAX_NODES || self.open.is_empty())
        {
            self.add(node);
        }
    }

    fn names(&self) -> bool {
        self.names
    }
}

impl fmt::Display for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_nodes(&self.roots, 0, f)
    }
}

/// A node is indented by one step more if others follow it or none can lie in it; what lies in it by two.
fn write_nodes(nodes: &[TreeNode], level: usize, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for (index, node) in nodes.iter().enumerate() {
        let leaf = !matches!(node.kind, NodeKind::Bridge | NodeKind::Table | NodeKind::Thaw);
        let more = usize::from(index + 1 < nodes.len() || leaf);
        let indent = " ".repeat((level + more) * 4);
        match node.kind {
            NodeKind::Bridge => {
                writeln!(f, "\n{indent}{}\n{indent}{}", node.text, "-".repeat(node.text.chars().count()))?;
            }
            NodeKind::Table | NodeKind::Bucket | NodeKind::Thaw => writeln!(f, "{indent}{}", node.text)?,
            NodeKind::Action => {
                for line in node.text.lines() {
                    writeln!(f, "{indent}{line}")?;
                }
            }
            NodeKind::Detail => writeln!(f, "{indent} -> {}", node.text)?,
            NodeKind::Warning => writeln!(f, "{indent} >> {}", node.text)?,
            NodeKind::Error => writeln!(f, "{indent} >>>> {} <<<<", node.text)?,
        }
        write_nodes(&node.inner, level + more + more, f)?;
    }
    Ok(())
}
