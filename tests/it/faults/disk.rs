//! A disk that is full, a file that is held, a folder that cannot be written to.
