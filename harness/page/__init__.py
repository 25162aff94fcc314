"""The page's evidence, gathered from the store, from files and from fits; serving it and watching for more."""
