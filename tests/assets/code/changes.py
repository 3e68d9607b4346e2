"""Edits of users' code: those that can change a result, and those that cannot.

Each is a small project: files beside an asset that uses them, one edit, by its name. The asset is
`assets/processed/f.py`; what it does not say itself is `from ._help import *names*` and a return.
"""

from __future__ import annotations

from dataclasses import dataclass, field

ASSET = "assets/processed/f.py"
HELP = "assets/processed/_help.py"


@dataclass(frozen=True)
class Change:
    """One edit: the file before and after, and the files beside it."""

    name: str
    before: str
    after: str
    asset: str = "from ._help import use\ndef f():\n    return use()\n"
    beside: dict[str, str] = field(default_factory=dict)
    file: str = HELP


def using(*names: str) -> str:
    """Write an asset that takes these names from the helper."""
    return f"from ._help import {', '.join(names)}\ndef f():\n    return {', '.join(names)}\n"


CONF = using("CONF")
REG = {
    "assets/processed/_reg.py": "HANDLERS = {}\ndef register(name):\n    def keep(fn):\n        HANDLERS[name] = fn\n        return fn\n    return keep\n"
}
PLUGS = "from ._reg import HANDLERS\nfrom . import _help\ndef f():\n    return HANDLERS\n"

STALE = [
    Change(
        "lambda called",
        "D = [1, 2]\nrun = lambda: D.append(3)\n",
        "D = [1, 2]\nrun = lambda: D.append(3)\nrun()\n",
        using("D"),
    ),
    Change(
        "lambda handed on",
        "from functools import reduce\nD = [1]\nrun = lambda a, b: D.append(b)\n",
        "from functools import reduce\nD = [1]\nrun = lambda a, b: D.append(b)\nreduce(run, [1, 2])\n",
        using("D"),
    ),
    Change("import over a value", "P = 1\n", "P = 1\nfrom math import pi as P\n", using("P")),
    Change(
        "imports in another order",
        "from math import pi as P\nfrom cmath import tau as P\n",
        "from cmath import tau as P\nfrom math import pi as P\n",
        using("P"),
    ),
    Change(
        "item of sys.modules",
        "import sys\nP = 1\n",
        "import sys\nP = 1\nsys.modules[__name__].P = 2\n",
        using("P"),
    ),
    Change("item assigned", 'CONF = {}\nCONF["rate"] = 1\n', 'CONF = {}\nCONF["rate"] = 2\n', CONF),
    Change("update", "CONF = {}\nCONF.update(rate=1)\n", "CONF = {}\nCONF.update(rate=2)\n", CONF),
    Change("update of a part", 'CONF = {"a": {}}\nCONF["a"].update(r=1)\n', 'CONF = {"a": {}}\nCONF["a"].update(r=2)\n', CONF),
    Change("setdefault", "CONF = {}\nCONF.setdefault('a', 1)\n", "CONF = {}\nCONF.setdefault('a', 2)\n", CONF),
    Change("item deleted", "CONF = {'a': 1, 'b': 2}\ndel CONF['a']\n", "CONF = {'a': 1, 'b': 2}\ndel CONF['b']\n", CONF),
    Change("in place or", "CONF = {}\nCONF |= {'a': 1}\n", "CONF = {}\nCONF |= {'a': 2}\n", CONF),
    Change("list appended", "STEPS = []\ndef a(): ...\ndef b(): ...\nSTEPS.append(a)\n", "STEPS = []\ndef a(): ...\ndef b(): ...\nSTEPS.append(b)\n", using("STEPS")),
    Change("function in a list", "STEPS = []\ndef a(): return 1\nSTEPS.append(a)\n", "STEPS = []\ndef a(): return 2\nSTEPS.append(a)\n", using("STEPS")),
    Change("list inserted", "STEPS = [1]\nSTEPS.insert(0, 2)\n", "STEPS = [1]\nSTEPS.insert(0, 3)\n", using("STEPS")),
    Change("order of two appends", "STEPS = []\nSTEPS.append(1)\nSTEPS.append(2)\n", "STEPS = []\nSTEPS.append(2)\nSTEPS.append(1)\n", using("STEPS")),
    Change("loop", 'RULES = {}\nfor k in ("a", "b"):\n    RULES[k] = k * 2\n', 'RULES = {}\nfor k in ("a", "b"):\n    RULES[k] = k * 3\n', using("RULES")),
    Change("loop over items", "RULES = {'a': {}}\nfor rule in RULES.values():\n    rule['n'] = 1\n", "RULES = {'a': {}}\nfor rule in RULES.values():\n    rule['n'] = 2\n", using("RULES")),
    Change("while", "N = []\nwhile len(N) < 3:\n    N.append(1)\n", "N = []\nwhile len(N) < 4:\n    N.append(1)\n", using("N")),
    Change("condition", "import sys\nCONF = {}\nif sys.maxsize > 1:\n    CONF['a'] = 1\n", "import sys\nCONF = {}\nif sys.maxsize > 1:\n    CONF['a'] = 2\n", CONF),
    Change("with", "import contextlib\nCONF = {}\nwith contextlib.suppress(KeyError):\n    CONF['a'] = 1\n", "import contextlib\nCONF = {}\nwith contextlib.suppress(KeyError):\n    CONF['a'] = 2\n", CONF),
    Change("try", "CONF = {}\ntry:\n    CONF['a'] = 1\nexcept KeyError:\n    pass\n", "CONF = {}\ntry:\n    CONF['a'] = 2\nexcept KeyError:\n    pass\n", CONF),
    Change("match at the top", "import sys\nCONF = {}\nmatch sys.platform:\n    case name:\n        CONF['a'] = 1\n", "import sys\nCONF = {}\nmatch sys.platform:\n    case name:\n        CONF['a'] = 2\n", CONF),
    Change("alias filled", "CONF = {}\nalias = CONF\nalias['rate'] = 1\n", "CONF = {}\nalias = CONF\nalias['rate'] = 2\n", CONF),
    Change("part filled by another name", "CONF = {'a': {}}\npart = CONF['a']\npart['rate'] = 1\n", "CONF = {'a': {}}\npart = CONF['a']\npart['rate'] = 2\n", CONF),
    Change("filled by a function", "CONF = {}\ndef fill():\n    CONF['rate'] = 1\nfill()\n", "CONF = {}\ndef fill():\n    CONF['rate'] = 2\nfill()\n", CONF),
    Change("filled by a function of its argument", "CONF = {}\ndef fill(d):\n    d['rate'] = 1\nfill(CONF)\n", "CONF = {}\ndef fill(d):\n    d['rate'] = 2\nfill(CONF)\n", CONF),
    Change("argument of a filling function", "CONF = {}\ndef fill(d, n):\n    d['rate'] = n\nfill(CONF, 1)\n", "CONF = {}\ndef fill(d, n):\n    d['rate'] = n\nfill(CONF, 2)\n", CONF),
    Change("global in a called function", "RATE = 1\ndef setup():\n    global RATE\n    RATE = 2\nsetup()\n", "RATE = 1\ndef setup():\n    global RATE\n    RATE = 3\nsetup()\n", using("RATE")),
    Change("call whose value is kept", "CONF = {}\ndef fill():\n    CONF['a'] = 1\n    return 1\nDONE = fill()\n", "CONF = {}\ndef fill():\n    CONF['a'] = 2\n    return 1\nDONE = fill()\n", CONF),
    Change("method of an object", "class Box:\n    def __init__(self): self.kept = []\n    def keep(self, x): self.kept.append(x)\nBOX = Box()\nBOX.keep(1)\n", "class Box:\n    def __init__(self): self.kept = []\n    def keep(self, x): self.kept.append(x)\nBOX = Box()\nBOX.keep(2)\n", using("BOX")),
    Change("an attribute of an object", "class Box: ...\nBOX = Box()\nBOX.n = 1\n", "class Box: ...\nBOX = Box()\nBOX.n = 2\n", using("BOX")),
    Change("operator that fills", "class Box:\n    def __lshift__(self, x): self.x = x\nBOX = Box()\nBOX << 1\n", "class Box:\n    def __lshift__(self, x): self.x = x\nBOX = Box()\nBOX << 2\n", using("BOX")),
    Change("registry, own", "HANDLERS = {}\ndef register(name):\n    def keep(fn):\n        HANDLERS[name] = fn\n        return fn\n    return keep\n@register('x')\ndef one(): return 1\n", "HANDLERS = {}\ndef register(name):\n    def keep(fn):\n        HANDLERS[name] = fn\n        return fn\n    return keep\n@register('x')\ndef one(): return 2\n", using("HANDLERS")),
    Change("registry, imported", "from ._reg import register\n@register('x')\ndef one(): return 1\n", "from ._reg import register\n@register('x')\ndef one(): return 2\n", PLUGS, REG),
    Change("what a registered function uses", "from ._reg import register\nN = 1\n@register('x')\ndef one(): return N\n", "from ._reg import register\nN = 2\n@register('x')\ndef one(): return N\n", PLUGS, REG),
    Change("a name in a registry", "from ._reg import register\n@register('x')\ndef one(): return 1\n", "from ._reg import register\n@register('y')\ndef one(): return 1\n", PLUGS, REG),
    Change("another function registered", "from ._reg import register\n", "from ._reg import register\n@register('y')\ndef one(): return 1\n", PLUGS, REG),
    Change("registry of an object", "class Registry(dict):\n    def add(self, fn):\n        self[fn.__name__] = fn\n        return fn\nR = Registry()\n@R.add\ndef one(): return 1\n", "class Registry(dict):\n    def add(self, fn):\n        self[fn.__name__] = fn\n        return fn\nR = Registry()\n@R.add\ndef one(): return 2\n", using("R")),
    Change("class that registers what derives from it", "KINDS = []\nclass Base:\n    def __init_subclass__(cls): KINDS.append(cls)\nclass One(Base):\n    n = 1\n", "KINDS = []\nclass Base:\n    def __init_subclass__(cls): KINDS.append(cls)\nclass One(Base):\n    n = 2\n", using("KINDS")),
    Change("classes found by what they derive from", "class Base: ...\nclass One(Base):\n    n = 1\n", "class Base: ...\nclass One(Base):\n    n = 2\n", "from ._help import Base\ndef f():\n    return [k.n for k in Base.__subclasses__()]\n"),
    Change("metaclass", "class Meta(type):\n    kinds = []\n    def __new__(m, *a):\n        m.kinds.append(a)\n        return super().__new__(m, *a)\nclass One(metaclass=Meta):\n    n = 1\n", "class Meta(type):\n    kinds = []\n    def __new__(m, *a):\n        m.kinds.append(a)\n        return super().__new__(m, *a)\nclass One(metaclass=Meta):\n    n = 2\n", using("Meta")),
    Change("attribute of a function", "def use(): return use.limit\nuse.limit = 1\n", "def use(): return use.limit\nuse.limit = 2\n"),
    Change("attribute of a class", "class Rate: ...\nRate.n = 1\n", "class Rate: ...\nRate.n = 2\n", using("Rate")),
    Change("method put into a class", "class Rate: ...\ndef n(self): return 1\nRate.n = n\n", "class Rate: ...\ndef n(self): return 2\nRate.n = n\n", using("Rate")),
    Change("setattr", "class Rate: ...\nsetattr(Rate, 'n', 1)\n", "class Rate: ...\nsetattr(Rate, 'n', 2)\n", using("Rate")),
    Change("singledispatch, decorator", "from functools import singledispatch\n@singledispatch\ndef use(x=0): ...\n@use.register\ndef _(x: int): return 1\n", "from functools import singledispatch\n@singledispatch\ndef use(x=0): ...\n@use.register\ndef _(x: int): return 2\n"),
    Change("singledispatch, call", "from functools import singledispatch\n@singledispatch\ndef use(x=0): ...\ndef a(x): return 1\nuse.register(int, a)\n", "from functools import singledispatch\n@singledispatch\ndef use(x=0): ...\ndef a(x): return 2\nuse.register(int, a)\n"),
    Change("globals, item", "globals()['h'] = lambda: 1\n", "globals()['h'] = lambda: 2\n", using("h")),
    Change("globals, update", "globals().update(h=1)\n", "globals().update(h=2)\n", using("h")),
    Change("globals in a loop", "for name in ('h', 'i'):\n    globals()[name] = name * 2\n", "for name in ('h', 'i'):\n    globals()[name] = name * 3\n", using("h")),
    Change("globals, read", "H = 1\ndef use(): return globals()['H']\n", "H = 2\ndef use(): return globals()['H']\n"),
    Change("globals, read by a name that is made", "H_1 = 1\ndef use(n=1): return globals()[f'H_{n}']\n", "H_1 = 2\ndef use(n=1): return globals()[f'H_{n}']\n"),
    Change("sys.modules", "import sys\nH = 1\nsetattr(sys.modules[__name__], 'H', 2)\n", "import sys\nH = 1\nsetattr(sys.modules[__name__], 'H', 3)\n", using("H")),
    Change("exec", "H = 1\nexec('H = 2')\n", "H = 1\nexec('H = 3')\n", using("H")),
    Change("eval", "H = 1\ndef use(): return eval('H')\n", "H = 2\ndef use(): return eval('H')\n"),
    Change("import_module", "value = 1\n", "value = 2\n", "import importlib\ndef f():\n    return importlib.import_module('assets.processed._help').value\n"),
    Change("import_module at the top", "value = 1\n", "value = 2\n", "from importlib import import_module\nh = import_module('assets.processed._help')\ndef f():\n    return h.value\n"),
    Change("import_module, relative", "value = 1\n", "value = 2\n", "from importlib import import_module\nh = import_module('._help', __package__)\ndef f():\n    return h.value\n"),
    Change("import_module of a name that is made", "value = 1\n", "value = 2\n", "from importlib import import_module\ndef f(n='help'):\n    return import_module(f'assets.processed._{n}').value\n"),
    Change("__import__", "value = 1\n", "value = 2\n", "def f():\n    return __import__('assets.processed._help', fromlist=['value']).value\n"),
    Change("attribute of a module set from outside", "from . import _conf\nsetattr(_conf, 'RATE', 1)\n", "from . import _conf\nsetattr(_conf, 'RATE', 2)\n", "from . import _conf, _help\ndef f():\n    return _conf.RATE\n", {"assets/processed/_conf.py": "RATE = 0\n"}),
    Change("module set up by another", "from . import _conf\n_conf.RATE = 1\n", "from . import _conf\n_conf.RATE = 2\n", "from . import _conf, _help\ndef f():\n    return _conf.RATE\n", {"assets/processed/_conf.py": "RATE = 0\n"}),
    Change("filled from another module", "from ._conf import CONF\nCONF['rate'] = 1\n", "from ._conf import CONF\nCONF['rate'] = 2\n", "from . import _help\nfrom ._conf import CONF\ndef f():\n    return CONF\n", {"assets/processed/_conf.py": "CONF = {}\n"}),
    Change("module with __getattr__", "V = 1\ndef __getattr__(name): return V\n", "V = 2\ndef __getattr__(name): return V\n", using("whatever")),
    Change("import with dots", "value = 1\n", "value = 2\n", "import assets.processed._help\ndef f():\n    return assets.processed._help.value\n"),
    Change("fallback of an import", "value = 1\n", "value = 2\n", "try:\n    from ._help import value\nexcept ImportError:\n    from ._other import value\ndef f():\n    return value\n", {"assets/processed/_other.py": "value = 0\n"}),
    Change("two functions import one name from two places", "value = 1\n", "value = 2\n", "def g():\n    from ._other import value\n    return value\ndef f():\n    from ._help import value\n    return value, g\n", {"assets/processed/_other.py": "value = 0\n"}),
    Change("star of a star", "value = 1\n", "value = 2\n", "from ._lib import value\ndef f():\n    return value\n", {"assets/processed/_lib/__init__.py": "from .._help import *\n"}),
    Change("submodule by its package", "value = 1\n", "value = 2\n", "from . import _lib\nimport assets.processed._lib.deep\ndef f():\n    return _lib.deep.value\n", {"assets/processed/_lib/__init__.py": ""}, "assets/processed/_lib/deep.py"),
    Change("seed of a library", "import random\nrandom.seed(1)\ndef use(): return random.random()\n", "import random\nrandom.seed(2)\ndef use(): return random.random()\n"),
    Change("setting of a library", "import decimal\ndecimal.getcontext().prec = 5\ndef use(): return decimal.Decimal(1) / 3\n", "import decimal\ndecimal.getcontext().prec = 6\ndef use(): return decimal.Decimal(1) / 3\n"),
    Change("function of a library replaced", "import json\njson.dumps = lambda x: 1\ndef use(): return json.dumps(1)\n", "import json\njson.dumps = lambda x: 2\ndef use(): return json.dumps(1)\n"),
    Change("seed in a module imported for it", "import random\nrandom.seed(1)\n", "import random\nrandom.seed(2)\n", "import random\nfrom . import _help\ndef f():\n    return random.random()\n"),
    Change("default of a parameter", "N = 1\ndef use(n=N): return n\n", "N = 2\ndef use(n=N): return n\n"),
    Change("decorator", "def twice(fn): return lambda: fn() * 2\n@twice\ndef use(): return 1\n", "def twice(fn): return lambda: fn() * 3\n@twice\ndef use(): return 1\n"),
    Change("base class", "class Base:\n    n = 1\nclass use(Base): ...\n", "class Base:\n    n = 2\nclass use(Base): ...\n"),
    Change("closure", "def make(n):\n    def inner(): return n\n    return inner\nuse = make(1)\n", "def make(n):\n    def inner(): return n\n    return inner\nuse = make(2)\n"),
    Change("partial", "from functools import partial\ndef g(n): return n\nuse = partial(g, 1)\n", "from functools import partial\ndef g(n): return n + 1\nuse = partial(g, 1)\n"),
    Change("conditional definition", "import sys\nif sys.maxsize > 1:\n    def use(): return 1\nelse:\n    def use(): return 0\n", "import sys\nif sys.maxsize > 1:\n    def use(): return 2\nelse:\n    def use(): return 0\n"),
    Change("unpacked", "A, B = 1, 2\ndef use(): return B\n", "A, B = 1, 3\ndef use(): return B\n"),
    Change("walrus", "(N := 1)\ndef use(): return N\n", "(N := 2)\ndef use(): return N\n"),
    Change("bound by a match", "match (1, 2):\n    case (a, N):\n        pass\ndef use(): return N\n", "match (1, 3):\n    case (a, N):\n        pass\ndef use(): return N\n"),
    Change("annotated", "N: int = 1\ndef use(): return N\n", "N: int = 2\ndef use(): return N\n"),
    Change("enum", "import enum\nclass K(enum.Enum):\n    A = 1\ndef use(): return K.A\n", "import enum\nclass K(enum.Enum):\n    A = 2\ndef use(): return K.A\n"),
    Change("a local name like a module's", "n = 1\ndef use():\n    def inner(): return n\n    return inner()\n", "n = 2\ndef use():\n    def inner(): return n\n    return inner()\n"),
    Change("comprehension beside its variable", "n = 1\ndef use(): return [n for n in (1, 2)], n\n", "n = 2\ndef use(): return [n for n in (1, 2)], n\n"),
    Change("class variable beside a function", "n = 1\nclass use:\n    n = 5\n    def get(self): return n\n", "n = 2\nclass use:\n    n = 5\n    def get(self): return n\n"),
    Change("module of one's own beside the rooms", "value = 1\n", "value = 2\n", "from ours import value\ndef f():\n    return value\n", file="ours.py"),
]  # fmt: skip

USE = "import re\nLIMIT = 3\nPATTERN = re.compile('a+')\nCONF = {'a': 1}\nCONF['b'] = 2\ndef use(n=1):\n    \"\"\"Do it.\"\"\"\n    return [LIMIT, PATTERN, CONF, n]\n"


def edited(old: str, new: str) -> str:
    """Give the ordinary helper with one edit."""
    assert old in USE
    return USE.replace(old, new)


def added(text: str) -> str:
    """Give the ordinary helper with something below it."""
    return USE + text


HARMLESS = [
    Change("comment", USE, edited("LIMIT = 3", "# limit\nLIMIT = 3  # three")),
    Change("comment in a function", USE, edited("    return", "    # now\n    return")),
    Change("docstring", USE, edited("Do it.", "Do it well.")),
    Change("docstring gone", USE, edited('    \"\"\"Do it.\"\"\"\n', "")),
    Change("docstring of the module", USE, '\"\"\"Words.\"\"\"\n' + USE),
    Change("blank lines", USE, edited("def use", "\n\n\ndef use")),
    Change("quotes", USE, edited("'a+'", '"a+"')),
    Change("brackets", USE, edited("LIMIT = 3", "LIMIT = (3)")),
    Change("trailing comma", USE, edited("CONF, n]", "CONF, n,]")),
    Change("number written otherwise", USE, edited("LIMIT = 3", "LIMIT = 0x3")),
    Change("text in two parts", USE, edited("'a+'", "'a' '+'")),
    Change("lines joined", USE, edited("[LIMIT, PATTERN,", "[LIMIT,\n        PATTERN,")),
    Change("unused import", USE, "import os\n" + USE),
    Change("order of imports", "import os\n" + USE, USE.replace("import re\n", "import re\nimport os\n")),
    Change("unused function", USE, added("def other():\n    return 1\n")),
    Change("unused function edited", added("def other():\n    return 1\n"), added("def other():\n    return 2\n")),
    Change("unused function that reads the same", added("def other():\n    return CONF\n"), added("def other():\n    return CONF, 1\n")),
    Change("unused function that would fill", added("def other():\n    CONF['c'] = 1\n"), added("def other():\n    CONF['c'] = 2\n")),
    Change("unused function with a decorator of a library", added("import functools\n@functools.cache\ndef other():\n    return 1\n"), added("import functools\n@functools.cache\ndef other():\n    return 2\n")),
    Change("unused class", USE, added("class Other:\n    n = 1\n")),
    Change("unused class with a base", added("class Other(dict):\n    n = 1\n"), added("class Other(dict):\n    n = 2\n")),
    Change("unused dataclass", added("import dataclasses\n@dataclasses.dataclass\nclass Other:\n    n: int = 1\n"), added("import dataclasses\n@dataclasses.dataclass\nclass Other:\n    n: int = 2\n")),
    Change("unused constant", added("OTHER = 1\n"), added("OTHER = 2\n")),
    Change("unused pattern", added("OTHER = re.compile('x')\n"), added("OTHER = re.compile('y')\n")),
    Change("unused constant made of a used one", added("OTHER = LIMIT + 1\n"), added("OTHER = LIMIT + 2\n")),
    Change("unused dictionary filled", added("OTHER = {}\nOTHER['a'] = 1\n"), added("OTHER = {}\nOTHER['a'] = 2\n")),
    Change("unused dictionary filled in a loop", added("OTHER = {}\nfor k in 'ab':\n    OTHER[k] = LIMIT\n"), added("OTHER = {}\nfor k in 'abc':\n    OTHER[k] = LIMIT\n")),
    Change("unused list of a used function", added("OTHER = []\nOTHER.append(use)\n"), added("OTHER = []\nOTHER.append(use)\nOTHER.append(use)\n")),
    Change("loop variable in two loops", "A = {}\nB = {}\nfor k in 'ab':\n    A[k] = 1\nfor k in 'cd':\n    B[k] = 1\ndef use(): return A\n", "A = {}\nB = {}\nfor k in 'ab':\n    A[k] = 1\nfor k in 'cd':\n    B[k] = 2\ndef use(): return A\n"),
    Change("attribute of another function", added("def other(): ...\nother.n = 1\n"), added("def other(): ...\nother.n = 2\n")),
    Change("order of two functions", added("def a(): return 1\ndef b(): return 2\n"), added("def b(): return 2\ndef a(): return 1\n")),
    Change("order of functions and constants", USE, "def other(): return 1\n" + USE),
    Change("another registry", added("HANDLERS = {}\ndef register(fn):\n    HANDLERS[fn.__name__] = fn\n    return fn\n@register\ndef one(): return 1\n"), added("HANDLERS = {}\ndef register(fn):\n    HANDLERS[fn.__name__] = fn\n    return fn\n@register\ndef one(): return 2\n")),
    Change("logger", added("import logging\nlog = logging.getLogger('a')\n"), added("import logging\nlog = logging.getLogger('b')\n")),
    Change("level of logs", added("import logging\nlogging.basicConfig(level=10)\n"), added("import logging\nlogging.basicConfig(level=20)\n")),
    Change("warnings", USE, added("import warnings\nwarnings.filterwarnings('ignore')\n")),
    Change("__all__", USE, added("__all__ = ['use']\n")),
    Change("when run as a script", added("if __name__ == '__main__':\n    print(use(1))\n"), added("if __name__ == '__main__':\n    CONF['x'] = 1\n    print(use(2))\n")),
    Change("imports for types", USE, "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from os import PathLike\n" + USE),
    Change("a global setting of a library nobody uses", added("import random\nrandom.seed(1)\n"), added("import random\nrandom.seed(2)\n")),
    Change("a local name like an unused constant's", "def use():\n    n = 3\n    return n\n", "n = 4\ndef use():\n    n = 3\n    return n\n"),
    Change("a parameter like an unused constant's", "n = 4\ndef use(n=1):\n    return n\n", "n = 5\ndef use(n=1):\n    return n\n"),
    Change("a comprehension's variable like an unused constant", "n = 4\ndef use():\n    return [n for n in (1, 2)]\n", "n = 5\ndef use():\n    return [n for n in (1, 2)]\n"),
    Change("noqa and type: ignore", USE, edited("LIMIT = 3", "LIMIT = 3  # type: ignore[assignment]  # noqa: X")),
    Change("another module", "value = 1\n", "value = 2\n", "from ._used import use\ndef f():\n    return use()\n", {"assets/processed/_used.py": "def use(): return 1\n"}),
    Change("windows line ends", USE, USE.replace("\n", "\r\n")),
    Change("tabs", "def use():\n    return 1\n", "def use():\n\treturn 1\n"),
    Change("byte order mark", USE, "\ufeff" + USE),
]  # fmt: skip
