/*
 * The base types of the Windows API with their Windows sizes: LONG and DWORD have 32 bits, a WCHAR
 * is a 16-bit unit of UTF-16. WCHAR is wchar_t where the program is compiled with -fshort-wchar,
 * as ported programs are (their L"…" literals then fit), and char16_t elsewhere (u"…").
 */
#ifndef OPENWFP_WINDEF_H
#define OPENWFP_WINDEF_H

#include <stddef.h>
#include <stdint.h>

#if defined(__cplusplus) && __SIZEOF_WCHAR_T__ != 2
typedef char16_t WCHAR;
#elif defined(__cplusplus)
typedef wchar_t WCHAR;
#else
typedef __CHAR16_TYPE__ WCHAR;
#endif

typedef int8_t INT8;
typedef int16_t INT16;
typedef int32_t INT32;
typedef int64_t INT64;
typedef uint8_t UINT8;
typedef uint16_t UINT16;
typedef uint32_t UINT32;
typedef uint64_t UINT64;

typedef char CHAR;
typedef uint8_t UCHAR, BYTE, BOOLEAN;
typedef int16_t SHORT;
typedef uint16_t USHORT, WORD;
typedef int INT, BOOL;
typedef unsigned int UINT;
typedef int32_t LONG, HRESULT, NTSTATUS;
typedef uint32_t ULONG, DWORD, ULONG32, DWORD32;
typedef int64_t LONGLONG, LONG64;
typedef uint64_t ULONGLONG, ULONG64, DWORDLONG, DWORD64;
typedef float FLOAT;
typedef double DOUBLE;
typedef intptr_t INT_PTR, LONG_PTR;
typedef uintptr_t UINT_PTR, ULONG_PTR, DWORD_PTR;
typedef size_t SIZE_T;

#define VOID void
typedef void *PVOID, *LPVOID, *HANDLE, *HLOCAL;
typedef const void *LPCVOID;
typedef HANDLE *PHANDLE;
typedef BYTE *PBYTE, *LPBYTE;
typedef UCHAR *PUCHAR;
typedef WORD *PWORD, *LPWORD;
typedef DWORD *PDWORD, *LPDWORD;
typedef ULONG *PULONG;
typedef BOOL *PBOOL, *LPBOOL;
typedef CHAR *PCHAR, *PSTR, *LPSTR;
typedef const CHAR *PCSTR, *LPCSTR;
typedef WCHAR *PWCHAR, *PWSTR, *LPWSTR;
typedef const WCHAR *PCWSTR, *LPCWSTR;

typedef struct _FILETIME {
    DWORD dwLowDateTime; /* 100 ns since 1601-01-01 UTC */
    DWORD dwHighDateTime;
} FILETIME, *PFILETIME, *LPFILETIME;

#ifndef FALSE
#define FALSE 0
#define TRUE  1
#endif

#define MAXUINT8  ((UINT8)~0u)
#define MAXUINT16 ((UINT16)~0u)
#define MAXUINT32 UINT32_MAX
#define MAXUINT64 UINT64_MAX

#define INVALID_HANDLE_VALUE ((HANDLE)(LONG_PTR)-1)
#define INFINITE             0xffffffffu

/* The x86 calling conventions and the annotations of Microsoft's analyzers mean nothing here. */
#define WINAPI
#define CALLBACK
#define APIENTRY
#define NTAPI
#define __cdecl
#define __stdcall
#define IN
#define OUT
#define OPTIONAL
#define _In_
#define _In_opt_
#define _In_z_
#define _In_reads_(size)
#define _In_reads_opt_(size)
#define _Out_
#define _Out_opt_
#define _Out_writes_(size)
#define _Inout_
#define _Inout_opt_
#define _Outptr_
#define _Success_(expression)

#define UNREFERENCED_PARAMETER(parameter) ((void)(parameter))
#define ARRAYSIZE(array)                  (sizeof(array) / sizeof((array)[0]))
#define ZeroMemory(to, size)              __builtin_memset((to), 0, (size))
#define CopyMemory(to, from, size)        __builtin_memcpy((to), (from), (size))

#endif
