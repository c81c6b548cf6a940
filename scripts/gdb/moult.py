"""moult.py - makes GDB follow the kernel's modules.

Breaks, unseen, at the two empty functions that the kernel calls for debuggers, and adds or removes the symbols of the
module. Where its sections lie is asked of build/host/modcheck, which lays an object out as the kernel does. Commands:

  moult-modules     the modules that are loaded, and where
"""
import json
import os
import subprocess

import gdb

BUILD = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "build")


def sections(name, base):
    """[(section, address)] of a module at its base, as modcheck lays it out; empty if it does not know the object."""
    command = [f"{BUILD}/host/modcheck", f"{BUILD}/modules/{name}.o", "--base", hex(base), "-j"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    try:
        return [(s["name"], int(s["address"], 16)) for s in json.loads(answer)["sections"] if s["size"]]
    except (ValueError, KeyError):
        return []


def add(module):
    name, base = module["name"].string(), int(module["base"])
    places = sections(name, base)
    text = [address for section, address in places if section == ".text"]
    if not text:
        what = "is not what the kernel loaded" if os.path.exists(f"{BUILD}/modules/{name}.o") else "is not there"
        print(f"moult: no symbols for module {name}: build/modules/{name}.o {what}")
        return
    others = " ".join(f"-s {section} {address:#x}" for section, address in places if section != ".text")
    gdb.execute(f"add-symbol-file {BUILD}/modules/{name}.o {text[0]:#x} {others}", to_string=True)
    print(f"moult: module {name} at {base:#x}")


def remove(module):
    name, base = module["name"].string(), int(module["base"])
    for section, address in sections(name, base):
        if section == ".text":
            gdb.execute(f"remove-symbol-file -a {address:#x}", to_string=True)
            print(f"moult: module {name} is gone")


class Hook(gdb.Breakpoint):
    """A breakpoint at one of the kernel's functions for debuggers, whose argument is the module; execution goes on."""

    def __init__(self, function, action):
        super().__init__(function, gdb.BP_HARDWARE_BREAKPOINT, internal=True)
        self.silent = True
        self.action = action

    def stop(self):
        module = gdb.selected_frame().read_var("module").dereference()
        self.action({"name": module["name"], "base": module["base"]})
        return False


class Modules(gdb.Command):
    """moult-modules: the modules that are loaded, and where."""

    def __init__(self):
        super().__init__("moult-modules", gdb.COMMAND_STATUS)

    def invoke(self, _argument, _from_tty):
        module = gdb.parse_and_eval("modules")["tqh_first"]
        while module:
            print(f"{int(module['base']):#x}  {module['name'].string()}")
            module = module["link"]["tqe_next"]


Hook("debugger_module_loaded", add)
Hook("debugger_module_unloaded", remove)
Modules()
