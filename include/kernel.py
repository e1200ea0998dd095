#!/usr/bin/env python3
"""
kernel.py header|source FWPMU.H FILE

The management functions have the same names in kernel mode, but return NTSTATUS: fwpmk.h is
fwpmu.h with that difference, and the source has the functions of libfwpkclnt, which call those of
libfwpuclnt. So that both libraries can be in one process, the linker knows the kernel's functions
as Fwpmk… instead of Fwpm….
"""

import re
import sys

# Callback subscriptions and the like are not in the kernel's header.
USER_ONLY = re.compile(r"ubscri|FwpmGetAppIdFromFileName")
DECLARATION = re.compile(r"(?P<comment>/\*(?:(?!\*/).)*\*/\n)?"
                         r"(?P<type>DWORD|void) WINAPI (?P<name>Fwpm\w+)\((?P<list>[^;]*)\);\n\n?",
                         re.S)
PREAMBLE = """\
/*
 * The management API for callout drivers (Microsoft's header fwpmk.h). Made from fwpmu.h.
 *
 * The functions are those of fwpmu.h with NTSTATUS for their result: STATUS_FWP_* where that has
 * FWP_E_*. What holds for all of them:
 * - engineHandle comes from FwpmEngineOpen0. A driver has all rights. Strings are UTF-16 with a
 *   NUL. IPv4 addresses and ports are numbers in host order, IPv6 addresses 16 bytes in network
 *   order.
 * - What is passed in is copied; the caller keeps it. What comes back is the caller's, who frees it
 *   with FwpmFreeMemory0. After an error results are NULL or unchanged, and nothing was changed.
 * - Any of them can return STATUS_INVALID_HANDLE, STATUS_FWP_NULL_POINTER, STATUS_FWP_TIMEOUT
 *   (another session holds the lock), STATUS_FWP_TXN_ABORTED, STATUS_FWP_SESSION_ABORTED (the
 *   engine is gone), STATUS_INSUFFICIENT_RESOURCES. The others are listed with each function. The
 *   reason in words goes to standard error.
 * - IRQL: PASSIVE_LEVEL.
 */
#ifndef OPENWFP_FWPMK_H
#define OPENWFP_FWPMK_H

#include <fwpm_guids.h>
#include <fwpmtypes.h>
#include <ntddk.h>
#include <rpcdce.h>

#define OPENWFP_KERNEL_NAME(name) __asm__(name)

#ifdef __cplusplus
extern "C" {
#endif
"""
BFE_STATE = """
/* ---- the service's state ---- */

/* Whether the base filtering engine runs: FWPM_SERVICE_RUNNING, then FwpmEngineOpen0 works. Before,
 * it is FWPM_SERVICE_START_PENDING, for drivers that are loaded with the engine: to a driver that
 * has subscribed to the state FwpmEngineOpen0 answers EPT_NT_CANT_PERFORM_OP, for others it waits.
 * When the engine stops it is FWPM_SERVICE_STOP_PENDING, and the driver is unloaded next. IRQL <=
 * DISPATCH_LEVEL. */
FWPM_SERVICE_STATE NTAPI FwpmBfeStateGet0(void);

typedef void(NTAPI *FWPM_SERVICE_STATE_CHANGE_CALLBACK0)(void *context,
                                                         FWPM_SERVICE_STATE newState);

/* Calls callback with every change of the state, on a thread of the library; call FwpmBfeStateGet0
 * after this, not before. FWPM_SERVICE_RUNNING is told when the persistent policy is in force, and
 * the boot-time filters are gone. deviceObject is ignored. *changeHandle is ended with
 * FwpmBfeStateUnsubscribeChanges0. */
NTSTATUS NTAPI FwpmBfeStateSubscribeChanges0(void *deviceObject,
                                             FWPM_SERVICE_STATE_CHANGE_CALLBACK0 callback,
                                             void *context, HANDLE *changeHandle);

/* When it returns, the callback is not running and not called again. Not from the callback.
 * Errors: STATUS_INVALID_HANDLE. */
NTSTATUS NTAPI FwpmBfeStateUnsubscribeChanges0(HANDLE changeHandle);

#ifdef __cplusplus
}
#endif

#include <fwpvi.h>

#endif
"""
STATUSES = {
    "ERROR_SUCCESS": "STATUS_SUCCESS",
    "ERROR_ACCESS_DENIED": "STATUS_ACCESS_DENIED",
    "ERROR_NOT_SUPPORTED": "STATUS_NOT_SUPPORTED",
    "ERROR_GEN_FAILURE": "STATUS_UNSUCCESSFUL",
    "ERROR_INVALID_SECURITY_DESCR": "STATUS_INVALID_SECURITY_DESCR",
    "ERROR_INVALID_PARAMETER": "STATUS_INVALID_PARAMETER",
    "RPC_S_SERVER_UNAVAILABLE": "EPT_NT_CANT_PERFORM_OP",
}


def with_statuses(text):
    text = re.sub(r"\bFWP_E_", "STATUS_FWP_", text)
    for code, status in STATUSES.items():
        text = re.sub(rf"\b{code}\b", status, text)
    return text


def kernel_name(name):
    return "Fwpmk" + name[len("Fwpm"):]


def declarations(text):
    return [match for match in DECLARATION.finditer(text) if not USER_ONLY.search(match["name"])]


def header(text):
    body = text[text.index("/* ---- weights"):text.index("/* ---- callbacks")]
    parts = [PREAMBLE, body] + [
        f"{with_statuses(match['comment'] or '')}"
        f"{match['type'].replace('DWORD', 'NTSTATUS')} NTAPI {match['name']}({match['list']})\n"
        f"    OPENWFP_KERNEL_NAME(\"{kernel_name(match['name'])}\");\n"
        for match in declarations(text)]
    return "\n".join(parts) + BFE_STATE


def argument_names(parameters):
    return [re.search(r"(\w+)\s*$", part)[1] for part in parameters.split(",")]


def function(match):
    name = kernel_name(match["name"])
    call = f"{match['name']}({', '.join(argument_names(match['list']))})"
    if match["type"] == "void":
        return (f"void {name}({match['list']});\nEXPORT void {name}({match['list']})\n{{\n"
                f"    {call};\n}}\n")
    refusal = ("    if (!management_may_open())\n        return EPT_NT_CANT_PERFORM_OP;\n"
               if match["name"] == "FwpmEngineOpen0" else "")
    return (f"NTSTATUS {name}({match['list']});\nEXPORT NTSTATUS {name}({match['list']})\n{{\n"
            f"{refusal}"
            f"    return management_status(\"{match['name']}\", {call});\n}}\n")


def source(text):
    includes = ('#include <fwpmu.h>\n#include <ntstatus.h>\n\n'
                '#include "fwpkclnt/management.h"\n#include "fwpkclnt/runtime.h"\n')
    return "\n".join([includes] + [function(match) for match in declarations(text)])


def main():
    what, path, output = sys.argv[1:]
    with open(path, encoding="utf-8") as file:
        text = file.read()
    with open(output, "w", encoding="utf-8") as file:
        file.write({"header": header, "source": source}[what](text))


if __name__ == "__main__":
    main()
