"""Which cells of a notebook its widgets need, told by the names that cells bind and read."""

import ast
import symtable
from typing import NamedTuple

from IPython.core.inputtransformer2 import TransformerManager


def needed(sources: dict[int, str], wanted: list[int]) -> list[int]:
    """The numbers of the cells to run for those that are ``wanted``. ``sources``: {its number: the code of a cell}.

    A cell is needed if it stands before the last of these and binds a name, or a part of what has that name, that a
    needed cell behind it reads, or that the functions of any needed cell read. One that only changes things by calling
    them is not: a model may then be less trained, but no name is missing.
    """
    names = {number: _names(source) for number, source in sources.items() if number <= max(wanted, default=-1)}
    found, more = set(), set(wanted)
    while more:
        found |= more
        by_functions = set().union(*(names[number].read_later for number in found))
        more = {
            number
            for number in names.keys() - found
            if names[number].bound & by_functions.union(*(names[i].read for i in found if i > number))
        }
    return sorted(found)


class _Names(NamedTuple):
    """The names that a cell binds, those that it reads, and those that its functions read when they are called."""

    bound: set[str]
    read: set[str]
    read_later: set[str]


def _names(source: str) -> _Names:
    code = TransformerManager().transform_cell(source)
    cell = symtable.symtable(code, "cell", "exec")
    bound = {s.get_name() for s in cell.get_symbols() if s.is_assigned() or s.is_imported()}
    read = {symbol.get_name() for symbol in cell.get_symbols() if symbol.is_referenced()}
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Attribute | ast.Subscript) and isinstance(node.ctx, ast.Store):  # settings["n"] = 4
            bound |= {part.id for part in ast.walk(node.value) if isinstance(part, ast.Name)}
        if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):  # n += 1
            read.add(node.target.id)
    return _Names(bound, read, {name for inner in cell.get_children() for name in _globals(inner)})


def _globals(scope: symtable.SymbolTable) -> set[str]:
    """The names that a function or a class, and what is defined inside of it, finds in the notebook."""
    own = {symbol.get_name() for symbol in scope.get_symbols() if symbol.is_global()}
    return own.union(*(_globals(inner) for inner in scope.get_children()))
