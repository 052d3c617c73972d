"""Performs the program's commands, each in a process forked from this one, and tells what came.

It takes a list of commands as JSON on standard input and prints a list of [status, what was said on
standard output, what was said on standard error] as JSON. Each command runs as `python -m` runs it,
in the environment that this process was started in; but what they import is imported once only.

    {"words": ["nn.train", "--epochs", "1"], "files": 8, "memory": 1000000}

`files` limits how many files may be open, `memory` how many bytes more than now may be asked for.
"""

import importlib.util
import json
import os
import runpy
import sys
import tempfile
import traceback


def perform(command, out, err):
    """In the forked process: be that command, and leave."""
    os.dup2(out.fileno(), 1)
    os.dup2(err.fileno(), 2)
    # As the interpreter has opened them for itself, which looked at the environment.
    sys.stdout = open(1, "w", encoding=sys.stdout.encoding, errors=sys.stdout.errors)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding=sys.stderr.encoding, errors=sys.stderr.errors)  # noqa: SIM115
    out.close()
    err.close()
    # As the interpreter decodes its arguments, in whatever encoding this one is.
    words = [os.fsdecode(word.encode("utf-8", "surrogateescape")) for word in command["words"]]
    module, *arguments = words
    sys.argv = [module, *arguments]
    status = 1
    try:
        # Compiled once before: the little memory that is left is for its work.
        importlib.util.find_spec(module).loader.get_code(module)
        limit(command)
        runpy.run_module(module, run_name="__main__", alter_sys=True)
        status = 0
    except SystemExit as ended:
        status = ended.code or 0
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def limit(command):
    import resource

    if "files" in command:
        resource.setrlimit(resource.RLIMIT_NOFILE, (command["files"], command["files"]))
    if "memory" in command:
        with open("/proc/self/statm") as file:
            now = int(file.read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (now + command["memory"], now + command["memory"]))


def main():
    commands = json.load(sys.stdin)
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # a process with threads forks ill
    # What the commands need, but not themselves: a module must not be there before it is run.
    # ruff: noqa: F401
    import PIL.Image

    import nn.data.download
    import nn.inference.onnx_model
    import nn.training.finetuning
    import nn.training.resume

    words = {word for command in commands for word in command["words"]}
    if words & {"--plot", "--errors"}:
        import matplotlib.backends.backend_agg
    if words & {"app.draw", "app.animate"}:
        import pygame

    results = []
    for command in commands:
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            pid = os.fork()
            if pid == 0:
                perform(command, out, err)
            status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            texts = []
            for file in (out, err):
                file.seek(0)
                texts.append(file.read().decode("utf-8", "surrogateescape"))
            results.append([status, *texts])
    print(json.dumps(results))


if __name__ == "__main__":
    main()
