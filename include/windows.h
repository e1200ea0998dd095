/*
 * What management programs use of <windows.h>: types, security structures, error codes and a few
 * functions, all in libfwpuclnt. Nothing else of Windows is here.
 */
#ifndef OPENWFP_WINDOWS_H
#define OPENWFP_WINDOWS_H

#include <windef.h>

#include <guiddef.h>
#include <sdkddkver.h>
#include <winerror.h>
#include <winnt.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The thread's error of the last function that returned FALSE or NULL; who writes such a function
 * sets it. */
DWORD WINAPI GetLastError(void);
void WINAPI SetLastError(DWORD code);
/* Frees what this library returned and says is to be freed so. Returns NULL. */
HLOCAL WINAPI LocalFree(HLOCAL memory);

#ifdef __cplusplus
}
#endif

#endif
