//! A few tools that are safe to give to anybody: they read no files, reach no network, change nothing.
