"""emulator.py - starts QEMU or Bochs with the built image and joins COM1 to a socket.

Used by scripts/monitor, scripts/run and scripts/debug, which thereby all start the same machine. A Machine owns a
private temporary folder, one child process and one socket; leaving its `with` block ends and removes all three,
whatever happened. The child also dies with its parent, by PR_SET_PDEATHSIG.
"""
import bisect
import ctypes
import functools
import io
import json
import os
import pty
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import tempfile
import termios
import threading
import time
import tty

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
IMAGE = os.path.join(ROOT, "build", "moult.iso")
ARCHIVE = os.path.join(ROOT, "build", "boot.tar")

FUNCTION_MAX = 0x2000  # bytes; no function of the kernel is longer
MODULES_BASE, MODULES_END = 0xffffffffa0000000, 0xffffffffe0000000
MEMBER_NAME_MAX = 99  # bytes of a name in a ustar archive, without the terminator

GRUB_CONFIGURATION = "set timeout=0\nmultiboot2 /boot/moult.elf {words}\n{archive}boot\n"
GRUB_ARCHIVE = "module2 /boot/boot.tar boot.tar\n"

# tigerlake is the Bochs model that has everything that the kernel makes use of: NX, SMEP, SMAP, UMIP, PCID, INVPCID,
# x2APIC, TSC deadline. (corei7_skylake_x lacks UMIP.) The text display needs no screen, and unlike rfb opens no port
# to the world.
BOCHS_CONFIGURATION = """\
config_interface: textconfig
display_library: {display}
cpu: model=tigerlake, count={cpus}, ips=100000000, reset_on_triple_fault=0, ignore_bad_msrs=0
memory: guest={memory}, host={memory}
romimage: file=/usr/share/bochs/BIOS-bochs-latest, options=fastboot
vgaromimage: file=/usr/share/vgabios/vgabios.bin
pci: enabled=1, chipset=i440fx
ata0: enabled=1
ata0-master: type=cdrom, path="{image}", status=inserted
boot: cdrom
clock: sync={clock}, time0=1577836800
com1: enabled=1, mode=socket-client, dev=127.0.0.1:{port}
log: "{log}"
panic: action=fatal
error: action=report
info: action=report
debug: action=ignore
speaker: enabled=0
{more}"""

QEMU_PORT = "socket,id={name},host=127.0.0.1,port={port},server=off"
BOCHS_STREAM = "com2: enabled=1, mode=socket-client, dev=127.0.0.1:{port}\n"


class NoStart(Exception):
    """The emulator could not be started; the text says why."""


class Options:
    """Which machine: what the command line of monitor, run and debug have in common."""

    def __init__(self):
        self.emulator = "qemu"
        self.cpus = 1
        self.memory = 512
        self.count_instructions = False
        self.words = []  # words for the kernel's command line
        self.files = []  # (path, name in the boot archive)
        self.archive = None  # another boot archive; "" for none at all
        self.stream = None  # a file whose bytes come in on COM2

    def parse(self, arguments, more, positional):
        """
        Reads a command line in order, options and other words mixed. `more` maps further options that take a value to
        what takes it, and `positional` takes each word that is no option. Raises ValueError with what is wrong.
        """
        takers = {"-e": self.set_emulator, "-n": self.set_cpus, "-m": self.set_memory, "-a": self.add_file,
                  "-b": self.set_archive, "-d": self.set_stream,
                  "-c": lambda text: self.words.extend(text.split()), **more}
        rest = iter(arguments)
        for argument in rest:
            if argument == "-i":
                self.count_instructions = True
            elif argument in takers:
                value = next(rest, None)
                if value is None:
                    raise ValueError(f"{argument} needs a value")
                takers[argument](value)
            elif argument.startswith("-"):
                raise ValueError(f"there is no option '{argument}'")
            else:
                positional(argument)

    def parse_alone(self, arguments):
        """The same for a command that takes nothing else."""
        def refuse(word):
            raise ValueError(f"'{word}' is too much; commands are typed at the prompt")
        self.parse(arguments, {}, refuse)

    def set_emulator(self, text):
        if text not in ("qemu", "bochs"):
            raise ValueError(f"'{text}' is not an emulator; there are qemu and bochs")
        self.emulator = text

    def set_cpus(self, text):
        self.cpus = whole_number(text, "number of CPUs", 1, 64)

    def set_memory(self, text):
        self.memory = whole_number(text, "memory in MiB", 32, 1 << 20)

    def add_file(self, text):
        path, colon, name = text.rpartition(":")
        if not colon:
            path, name = text, os.path.basename(text)
        if not os.path.isfile(path):
            raise ValueError(f"there is no file '{path}'")
        if not name or "/" in name or len(name.encode()) > MEMBER_NAME_MAX:
            raise ValueError(f"'{name}' cannot be a name in the boot archive: 1 to {MEMBER_NAME_MAX} bytes without '/'")
        self.files.append((path, name))

    def set_archive(self, text):
        if text != "none" and not os.path.isfile(text):
            raise ValueError(f"there is no file '{text}'; 'none' stands for no archive at all")
        self.archive = "" if text == "none" else text

    def set_stream(self, text):
        if not os.path.isfile(text):
            raise ValueError(f"there is no file '{text}'")
        self.stream = os.path.abspath(text)


def whole_number(text, what, least, most):
    if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
        raise ValueError(f"'{text}' is not a {what}; it is a number from {least} to {most}")
    return int(text)


def extended_archive(source, files, target):
    """Writes the archive `source` with `files` added; one of the same name is replaced."""
    replaced = {name for _, name in files}
    with tarfile.open(target, "w", format=tarfile.USTAR_FORMAT) as out:
        with tarfile.open(source, "r:") as old:
            for member in old:
                if member.name not in replaced:
                    out.addfile(member, old.extractfile(member))
        for name in sorted(replaced):
            path = [p for p, n in files if n == name][-1]
            with open(path, "rb") as stream:
                data = stream.read()
            member = tarfile.TarInfo(name)
            member.size = len(data)
            member.mode = 0o444
            out.addfile(member, io.BytesIO(data))


def image_for(options, folder):
    """The image to boot: the built one, or a private copy that has the options' command line and archive."""
    words = list(options.words)
    if options.count_instructions:
        words.append("clock=instructions")
    if not words and not options.files and options.archive is None:
        return IMAGE
    configuration = os.path.join(folder, "grub.cfg")
    with open(configuration, "w", encoding="utf-8") as stream:
        stream.write(GRUB_CONFIGURATION.format(words=" ".join(words),
                                               archive="" if options.archive == "" else GRUB_ARCHIVE))
    image = shutil.copyfile(IMAGE, os.path.join(folder, "moult.iso"))
    command = ["xorriso", "-dev", image, "-boot_image", "any", "keep", "-update", configuration, "/boot/grub/grub.cfg"]
    archive = options.archive or ARCHIVE
    if options.files:
        archive = os.path.join(folder, "boot.tar")
        extended_archive(options.archive or ARCHIVE, options.files, archive)
    if archive != ARCHIVE:
        command += ["-update", archive, "/boot/boot.tar"]
    done = subprocess.run([*command, "-commit"], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NoStart("the image could not be made:\n" + done.stderr)
    return image


def open_other_terminal(path, flags):
    return os.open(path, flags | os.O_NOCTTY)


def die_with_parent():
    """Between fork and exec: the kernel of the host ends this process when its parent ends."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])


class Machine:
    """A running emulator; `serial` is the socket that is its COM1."""

    def __init__(self, options, interactive=False, debugger=False):
        self.options = options
        self.interactive = interactive
        self.debugger = debugger
        self.folder = self.process = self.serial = self.terminal = self.second = None

    def __enter__(self):
        for needed in (IMAGE, ARCHIVE):
            if not os.path.isfile(needed):
                raise NoStart(f"there is no {os.path.relpath(needed)}: build it with `make`")
        self.folder = tempfile.mkdtemp(prefix="moult-")
        try:
            image = image_for(self.options, self.folder)
            if self.options.emulator == "qemu":
                self.start_qemu(image)
            else:
                self.start_bochs(image)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.process and self.process.poll() is None:
            self.process.kill()
        if self.process:
            self.process.wait()
        for port in (self.serial, self.second):
            if port:
                port.close()
        if self.terminal is not None:
            os.close(self.terminal)
        shutil.rmtree(self.folder, ignore_errors=True)

    def log(self):
        """The emulator's own last words, for a message on why it did not run."""
        try:
            with open(os.path.join(self.folder, "log"), encoding="utf-8", errors="replace") as stream:
                return "".join(stream.readlines()[-20:])
        except OSError:
            return ""

    def start(self, command, **arguments):
        try:
            self.process = subprocess.Popen(command, cwd=self.folder, preexec_fn=die_with_parent,
                                            start_new_session="stdin" in arguments, **arguments)
        except FileNotFoundError as missing:
            raise NoStart(f"there is no {command[0]}: run scripts/setup") from missing

    def start_qemu(self, image):
        """
        QEMU connects to ports that are ours. TCP joins small pieces that nobody has read yet; a socket pair would be
        full after some hundred characters, and the kernel drops what its serial port does not get rid of.
        """
        with socket.create_server(("127.0.0.1", 0)) as server, socket.create_server(("127.0.0.1", 0)) as second:
            command = ["qemu-system-x86_64", "-nodefaults", "-M", "q35", "-cpu", "max", "-smp", str(self.options.cpus),
                       "-m", str(self.options.memory), "-display", "none", "-vga", "std", "-no-reboot",
                       "-rtc", "base=2020-01-01,clock=vm", "-device", "isa-debug-exit,iobase=0xf4,iosize=1",
                       "-drive", f"if=virtio,format=raw,readonly=on,file={image.replace(',', ',,')}",
                       "-chardev", QEMU_PORT.format(name="com1", port=server.getsockname()[1]),
                       "-serial", "chardev:com1"]
            if self.options.stream:
                command += ["-chardev", QEMU_PORT.format(name="com2", port=second.getsockname()[1]),
                            "-serial", "chardev:com2"]
            if self.options.count_instructions:
                command += ["-icount", "shift=0,sleep=off", "-seed", "1"]
            command += ["-qmp", f"unix:{self.folder}/qmp,server=on,wait=off"]
            if self.debugger:
                command += ["-S", "-gdb", f"unix:{self.folder}/gdb,server=on,wait=off"]
            with open(os.path.join(self.folder, "log"), "wb") as log:
                self.start(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
            self.serial = self.accept(server)
            if self.options.stream:
                self.second = self.accept(second)
                self.feed()

    def feed(self):
        """The stream goes to COM2 once the kernel has sent a byte there; what it sends later is thrown away."""
        def work():
            try:
                if self.second.recv(1):
                    with open(self.options.stream, "rb") as stream:
                        self.second.sendfile(stream)
                while self.second.recv(4096):
                    pass
            except OSError:
                pass  # the emulator has ended
        threading.Thread(target=work, daemon=True).start()

    def start_bochs(self, image):
        """Bochs connects to a port that is already ours. Its debugger wants a terminal on which nothing ends."""
        with socket.create_server(("127.0.0.1", 0)) as server, socket.create_server(("127.0.0.1", 0)) as second:
            more = "magic_break: enabled=1\n" if self.debugger else ""
            if self.options.stream:
                more += BOCHS_STREAM.format(port=second.getsockname()[1])
            configuration = self.write("bochsrc", BOCHS_CONFIGURATION.format(
                display='rfb, options="timeout=0"' if self.debugger else "term", cpus=self.options.cpus,
                memory=self.options.memory, image=image, clock="slowdown" if self.interactive else "none",
                port=server.getsockname()[1], log=os.path.join(self.folder, "log"),
                more=more))
            if self.debugger:
                commands = self.write("commands", f'ldsym global "{self.write("symbols", bochs_symbols())}"\n')
                with open(os.path.join(self.folder, "errors"), "wb") as errors:
                    self.start(["bochs", "-q", "-f", configuration, "-rc", commands], stderr=errors)
            else:
                self.terminal, theirs = pty.openpty()
                with os.fdopen(theirs, "rb") as terminal, open(os.path.join(self.folder, "errors"), "wb") as errors, \
                        open(os.path.join(self.folder, "said"), "wb") as said:
                    self.start(["bochs", "-q", "-f", configuration, "-rc", self.write("commands", "c\n")],
                               stdin=terminal, stdout=said, stderr=errors,
                               env={**os.environ, "TERM": "linux"})
                threading.Thread(target=self.discard_screen, args=(errors.name,), daemon=True).start()
            self.serial = self.accept(server)
            if self.options.stream:
                self.second = self.accept(second)
                self.feed()

    def discard_screen(self, errors):
        """Bochs draws the screen on a terminal that it makes, and stops when nobody reads that. It says which it is."""
        name = None
        try:
            while not name and self.process.poll() is None:
                time.sleep(0.05)
                with open(errors, encoding="utf-8", errors="replace") as stream:
                    name = re.search(r'connected to screen "(.+)"', stream.read())
            with open(name[1] if name else os.devnull, "rb", buffering=0, opener=open_other_terminal) as screen:
                while screen.read(65536):
                    pass
        except OSError:
            pass  # Bochs has ended, and its folder or its terminal is gone

    def accept(self, server):
        """Waits until the emulator connects, or ends."""
        server.settimeout(0.2)
        for _ in range(100):
            try:
                return server.accept()[0]
            except TimeoutError:
                if self.process.poll() is not None:
                    break
        raise NoStart(f"{self.options.emulator} did not start:\n" + self.log())

    def where(self):
        """Stops the machine and tells where its CPUs are, and addresses of the kernel's text on their stacks."""
        try:
            found = self.ask_qemu() if self.options.emulator == "qemu" else self.ask_bochs()
        except (OSError, ValueError, KeyError, TypeError) as why:
            return f"where its CPUs are cannot be told: {why}\n"
        return "".join(f"CPU {cpu}: " + " < ".join(filter(None, map(kernel_place, words))) + "\n"
                       for cpu, words in enumerate(found))

    def ask_qemu(self):
        """For each CPU the instruction pointer and the words on its stack."""
        def ask(name, **arguments):
            stream.write(json.dumps({"execute": name, "arguments": arguments}) + "\n")
            stream.flush()
            while "return" not in (answer := json.loads(stream.readline())):
                pass
            return answer["return"]

        with socket.socket(socket.AF_UNIX) as control:
            control.settimeout(10)
            control.connect(os.path.join(self.folder, "qmp"))
            stream = control.makefile("rw", encoding="utf-8")
            ask("qmp_capabilities")
            ask("stop")
            found = []
            for cpu in range(self.options.cpus):
                said = ask("human-monitor-command", **{"command-line": "info registers", "cpu-index": cpu})
                stack, pointer = (re.search(rf"{name}=([0-9a-f]{{16}})", said)[1] for name in ("RSP", "RIP"))
                said = ask("human-monitor-command", **{"command-line": f"x /96gx 0x{stack}", "cpu-index": cpu})
                found.append([pointer] + re.findall(r" 0x([0-9a-f]{16})", said))
            return found

    def ask_bochs(self):
        """The same; of CPUs other than the first, the instruction pointer alone."""
        os.kill(self.process.pid, signal.SIGINT)
        os.write(self.terminal, b"print-stack 96\n")
        time.sleep(3)
        with open(os.path.join(self.folder, "said"), encoding="utf-8", errors="replace") as stream:
            said = stream.read().rpartition("Next at")[2]
        found = [[pointer] for pointer in re.findall(r"^\(\d+\) \[\S+\] \w+:([0-9a-f]{16})", said, re.MULTILINE)]
        if found:
            found[0] += ["".join(pair) for pair in re.findall(r"\[0x([0-9a-f]{8}):0x([0-9a-f]{8})\]", said)]
        return found

    def write(self, name, text):
        """A file in the private folder; its path."""
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as stream:
            stream.write(text)
        return path


@functools.cache
def kernel_symbols():
    """(address, name) of the kernel's text, sorted."""
    with open(os.path.join(ROOT, "build", "moult.sym"), encoding="utf-8") as stream:
        rows = [line.split() for line in stream]
    return sorted((int(row[0], 16), row[2]) for row in rows if len(row) == 3 and row[1] in "tT")


def kernel_place(word):
    """What a hexadecimal address is in the kernel's text, or in a module; None: neither."""
    symbols = kernel_symbols()
    address = int(word, 16)
    if MODULES_BASE <= address < MODULES_END:
        return f"a module's {address:#x}"
    place = bisect.bisect_right(symbols, (address, "~")) - 1
    if place < 0 or address - symbols[place][0] > FUNCTION_MAX:
        return None
    return f"{symbols[place][1]}+{address - symbols[place][0]:#x}"


def bochs_symbols():
    """The kernel's symbol table as Bochs reads it: address and name."""
    with open(os.path.join(ROOT, "build", "moult.sym"), encoding="utf-8") as stream:
        rows = [line.split() for line in stream]
    return "".join(f"{row[0]} {row[2]}\n" for row in rows if len(row) == 3)


def end_on_signals():
    """SIGTERM, SIGHUP and SIGINT become exceptions, so that every `with` block ends what it began."""
    def leave(number, _):
        sys.exit(128 + number)
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, leave)


def join_terminal(serial, leave):
    """
    Joins this terminal to the socket until the other side ends or C-a x is typed; everything else, C-c too, goes
    to the kernel. `leave` says in a line how to leave.
    """
    keyboard, screen = sys.stdin.fileno(), sys.stdout.fileno()
    before = termios.tcgetattr(keyboard)
    print(leave, flush=True)
    prefix = False
    try:
        tty.setraw(keyboard)
        while True:
            ready, _, _ = select.select([keyboard, serial], [], [])
            if serial in ready:
                data = serial.recv(4096)
                if not data:
                    return
                os.write(screen, data)
            if keyboard in ready:
                typed = os.read(keyboard, 4096)
                if not typed or prefix and typed[:1] == b"x" or b"\x01x" in typed:
                    return
                prefix = typed.endswith(b"\x01") and not prefix
                serial.sendall(typed[:-1] if prefix else typed)
    except ConnectionResetError:
        return
    finally:
        termios.tcsetattr(keyboard, termios.TCSADRAIN, before)
        print()
