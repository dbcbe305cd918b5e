//! Names that need no definition, and modules that a function may carry an import of. All lists are sorted.

/// What `dir(builtins)` holds in Python 3.11, and the names that every module has.
#[rustfmt::skip]
const BUILTINS: &[&str] = &[
    "ArithmeticError", "AssertionError", "AttributeError", "BaseException", "BaseExceptionGroup", "BlockingIOError",
    "BrokenPipeError", "BufferError", "BytesWarning", "ChildProcessError", "ConnectionAbortedError",
    "ConnectionError", "ConnectionRefusedError", "ConnectionResetError", "DeprecationWarning", "EOFError",
    "Ellipsis", "EncodingWarning", "EnvironmentError", "Exception", "ExceptionGroup", "False", "FileExistsError",
    "FileNotFoundError", "FloatingPointError", "FutureWarning", "GeneratorExit", "IOError", "ImportError",
    "ImportWarning", "IndentationError", "IndexError", "InterruptedError", "IsADirectoryError", "KeyError",
    "KeyboardInterrupt", "LookupError", "MemoryError", "ModuleNotFoundError", "NameError", "None",
    "NotADirectoryError", "NotImplemented", "NotImplementedError", "OSError", "OverflowError",
    "PendingDeprecationWarning", "PermissionError", "ProcessLookupError", "RecursionError", "ReferenceError",
    "ResourceWarning", "RuntimeError", "RuntimeWarning", "StopAsyncIteration", "StopIteration", "SyntaxError",
    "SyntaxWarning", "SystemError", "SystemExit", "TabError", "TimeoutError", "True", "TypeError",
    "UnboundLocalError", "UnicodeDecodeError", "UnicodeEncodeError", "UnicodeError", "UnicodeTranslateError",
    "UnicodeWarning", "UserWarning", "ValueError", "Warning", "ZeroDivisionError", "__build_class__",
    "__builtins__", "__debug__", "__doc__", "__file__", "__import__", "__loader__", "__name__", "__package__",
    "__spec__", "abs", "aiter", "all", "anext", "any", "ascii", "bin", "bool", "breakpoint", "bytearray", "bytes",
    "callable", "chr", "classmethod", "compile", "complex", "copyright", "credits", "delattr", "dict", "dir",
    "divmod", "enumerate", "eval", "exec", "exit", "filter", "float", "format", "frozenset", "getattr", "globals",
    "hasattr", "hash", "help", "hex", "id", "input", "int", "isinstance", "issubclass", "iter", "len", "license",
    "list", "locals", "map", "max", "memoryview", "min", "next", "object", "oct", "open", "ord", "pow", "print",
    "property", "quit", "range", "repr", "reversed", "round", "set", "setattr", "slice", "sorted", "staticmethod",
    "str", "sum", "super", "tuple", "type", "vars", "zip",
];

/// Modules of the standard library whose functions depend on nothing but their arguments, or nearly so.
#[rustfmt::skip]
const ALLOWED_MODULES: &[&str] = &[
    "__future__", "abc", "array", "base64", "binascii", "bisect", "calendar", "cmath", "collections",
    "collections.abc", "copy", "dataclasses", "datetime", "decimal", "difflib", "enum", "fractions", "functools",
    "hashlib", "heapq", "html", "itertools", "json", "keyword", "math", "numbers", "operator", "random", "re",
    "statistics", "string", "struct", "textwrap", "types", "typing", "unicodedata", "uuid", "zlib",
];

/// What `from __future__ import` knows; anything else does not compile.
#[rustfmt::skip]
const FUTURE_FEATURES: &[&str] = &[
    "absolute_import", "annotations", "barry_as_FLUFL", "division", "generator_stop", "generators", "nested_scopes",
    "print_function", "unicode_literals", "with_statement",
];

/// Whether every Python program can read `name` without defining it.
pub(super) fn is_builtin(name: &str) -> bool {
    BUILTINS.binary_search(&name).is_ok()
}

/// Whether a function may carry an import of `module` along.
pub(super) fn is_allowed_module(module: &str) -> bool {
    ALLOWED_MODULES.binary_search(&module).is_ok()
}

/// Whether `from __future__ import name` compiles.
pub(super) fn is_future_feature(name: &str) -> bool {
    FUTURE_FEATURES.binary_search(&name).is_ok()
}

#[cfg(test)]
mod tests {
    use super::{ALLOWED_MODULES, BUILTINS, FUTURE_FEATURES};

    #[test]
    fn lists_are_sorted() {
        assert!(BUILTINS.is_sorted() && ALLOWED_MODULES.is_sorted() && FUTURE_FEATURES.is_sorted());
    }
}
