"""Frozen values: pydantic models that cannot be changed, down to the nested dicts and lists."""

from __future__ import annotations

from typing import Any, NoReturn, Self

from pydantic import BaseModel, ConfigDict
from pydantic_core import core_schema


def _refuse(self: object, *_: object, **__: object) -> NoReturn:
    raise TypeError(f"{type(self).__name__} is frozen; make a new value instead")


def _schema(cls: type[Any], source: object, handler: object) -> core_schema.CoreSchema:
    """In a value's field: what is plain is taken and frozen, so that values come back from their own JSON."""
    return core_schema.no_info_before_validator_function(freeze, core_schema.is_instance_schema(cls))


class FrozenDict(dict[str, Any]):
    """A dict that compares and serialises like one and cannot be changed. It can be hashed where all that it holds can."""

    __slots__ = ()
    __setitem__ = __delitem__ = clear = pop = popitem = setdefault = update = __ior__ = _refuse
    __get_pydantic_core_schema__ = classmethod(_schema)

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(frozenset(self.items()))

    def __reduce__(self) -> tuple[Any, ...]:
        return (FrozenDict, (dict(self),))


class FrozenList(list[Any]):
    """A list that compares and serialises like one and cannot be changed. It can be hashed where all that it holds can."""

    __slots__ = ()
    __setitem__ = __delitem__ = append = extend = insert = pop = remove = clear = sort = reverse = _refuse
    __iadd__ = __imul__ = _refuse
    __get_pydantic_core_schema__ = classmethod(_schema)

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(tuple(self))

    def __reduce__(self) -> tuple[Any, ...]:
        return (FrozenList, (list(self),))


def freeze(value: Any) -> Any:
    """The same JSON value with every dict and list in it frozen."""
    if isinstance(value, dict):
        return value if isinstance(value, FrozenDict) else FrozenDict((k, freeze(v)) for k, v in value.items())
    if isinstance(value, list):
        return value if isinstance(value, FrozenList) else FrozenList(freeze(v) for v in value)
    return value


class Value(BaseModel):
    """The base of all public values: frozen, strict about unknown fields, changed only by `evolve`."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True, defer_build=True)

    @classmethod
    def made(cls, **values: Any) -> Self:
        """A value from trusted parts: every field given, nothing checked, a tenth of the price."""
        value = cls.__new__(cls)
        set_attribute = object.__setattr__
        set_attribute(value, "__dict__", values)
        set_attribute(value, "__pydantic_fields_set__", set(values))
        set_attribute(value, "__pydantic_extra__", None)
        private = cls.__private_attributes__
        set_attribute(value, "__pydantic_private__", {name: private[name].get_default() for name in private} if private else None)
        return value

    def evolve(self, **changes: Any) -> Self:
        """A new value with these fields changed, validated as a whole."""
        return type(self).model_validate({**self.__dict__, **changes})
