// Checks of what only some kinds have, by name; each gets a namespace of its own with an account in it.
export const checks = {};
