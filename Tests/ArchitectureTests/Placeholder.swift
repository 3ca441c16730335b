// Filled by the branch that is being written.
