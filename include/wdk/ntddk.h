/*
 * What a callout driver uses of the Windows driver kit, for drivers that run in a process: types,
 * lists, the driver object. Nothing else of the kernel is here; a driver is a shared object, and
 * what it wants of the system it takes from the C library (threads, locks, files).
 *
 *     gcc -shared -fPIC -fshort-wchar $(pkg-config --cflags --libs fwpkclnt) -o driver.so driver.c
 *
 * The host's process calls DriverEntry once; DriverUnload, if the driver set it, before it ends.
 */
#ifndef OPENWFP_NTDDK_H
#define OPENWFP_NTDDK_H

#include <windef.h>

#include <guiddef.h>
#include <ntstatus.h>
#include <sdkddkver.h>
#include <winnt.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef NTSTATUS *PNTSTATUS;
typedef int16_t CSHORT;

#define NT_SUCCESS(status)     ((NTSTATUS)(status) >= 0)
#define NT_INFORMATION(status) ((ULONG)(status) >> 30 == 1)
#define NT_WARNING(status)     ((ULONG)(status) >> 30 == 2)
#define NT_ERROR(status)       ((ULONG)(status) >> 30 == 3)

/* How urgent the code is that runs: here always PASSIVE_LEVEL, and everything may block. */
typedef UCHAR KIRQL, *PKIRQL;

#define PASSIVE_LEVEL  0
#define APC_LEVEL      1
#define DISPATCH_LEVEL 2

/* ---- strings: lengths in bytes, without a terminator ---- */

typedef struct _UNICODE_STRING {
    USHORT Length;
    USHORT MaximumLength;
    PWSTR Buffer;
} UNICODE_STRING, *PUNICODE_STRING;

typedef const UNICODE_STRING *PCUNICODE_STRING;

#define UNICODE_NULL ((WCHAR)0)

/* ---- memory ---- */

#define RtlZeroMemory(to, size)       __builtin_memset((to), 0, (size))
#define RtlFillMemory(to, size, byte) __builtin_memset((to), (byte), (size))
#define RtlCopyMemory(to, from, size) __builtin_memcpy((to), (from), (size))
#define RtlMoveMemory(to, from, size) __builtin_memmove((to), (from), (size))
#define RtlEqualMemory(a, b, size)    (__builtin_memcmp((a), (b), (size)) == 0)
#define RtlUshortByteSwap(number)     __builtin_bswap16(number)
#define RtlUlongByteSwap(number)      __builtin_bswap32(number)
#define RtlUlonglongByteSwap(number)  __builtin_bswap64(number)

#define CONTAINING_RECORD(address, type, field) ((type *)((char *)(address)-offsetof(type, field)))

/* ---- doubly linked lists with a head that is no entry ---- */

typedef struct _LIST_ENTRY {
    struct _LIST_ENTRY *Flink;
    struct _LIST_ENTRY *Blink;
} LIST_ENTRY, *PLIST_ENTRY;

static inline void InitializeListHead(PLIST_ENTRY head)
{
    head->Flink = head->Blink = head;
}

static inline BOOLEAN IsListEmpty(const LIST_ENTRY *head)
{
    return head->Flink == head;
}

static inline void InsertTailList(PLIST_ENTRY head, PLIST_ENTRY entry)
{
    entry->Flink = head;
    entry->Blink = head->Blink;
    head->Blink->Flink = entry;
    head->Blink = entry;
}

static inline void InsertHeadList(PLIST_ENTRY head, PLIST_ENTRY entry)
{
    InsertTailList(head->Flink, entry);
}

/* TRUE: the list is empty now. */
static inline BOOLEAN RemoveEntryList(PLIST_ENTRY entry)
{
    entry->Blink->Flink = entry->Flink;
    entry->Flink->Blink = entry->Blink;
    return entry->Flink == entry->Blink;
}

/* The head itself when the list is empty. */
static inline PLIST_ENTRY RemoveHeadList(PLIST_ENTRY head)
{
    PLIST_ENTRY entry = head->Flink;

    RemoveEntryList(entry);
    return entry;
}

static inline PLIST_ENTRY RemoveTailList(PLIST_ENTRY head)
{
    PLIST_ENTRY entry = head->Blink;

    RemoveEntryList(entry);
    return entry;
}

/* ---- drivers ---- */

typedef struct _DRIVER_OBJECT DRIVER_OBJECT, *PDRIVER_OBJECT;
/* Made and looked into by nobody here: what takes one, takes NULL as well. */
typedef struct _DEVICE_OBJECT DEVICE_OBJECT, *PDEVICE_OBJECT;
typedef struct _IRP IRP, *PIRP;

/* What every driver has, with the name DriverEntry. registryPath: "\Registry\Machine\System\
 * CurrentControlSet\Services\" and the driver's name. A failure ends the host. */
typedef NTSTATUS DRIVER_INITIALIZE(PDRIVER_OBJECT driverObject, PUNICODE_STRING registryPath);
typedef DRIVER_INITIALIZE *PDRIVER_INITIALIZE;
typedef void DRIVER_UNLOAD(PDRIVER_OBJECT driverObject);
typedef DRIVER_UNLOAD *PDRIVER_UNLOAD;
typedef void DRIVER_STARTIO(PDEVICE_OBJECT deviceObject, PIRP irp);
typedef DRIVER_STARTIO *PDRIVER_STARTIO;
typedef NTSTATUS DRIVER_DISPATCH(PDEVICE_OBJECT deviceObject, PIRP irp);
typedef DRIVER_DISPATCH *PDRIVER_DISPATCH;

#define IRP_MJ_MAXIMUM_FUNCTION 0x1b

struct _DRIVER_OBJECT {
    CSHORT Type;
    CSHORT Size;
    PDEVICE_OBJECT DeviceObject;
    ULONG Flags;
    PVOID DriverStart;
    ULONG DriverSize;
    PVOID DriverSection;
    PVOID DriverExtension;
    UNICODE_STRING DriverName; /* "\Driver\" and its name */
    PUNICODE_STRING HardwareDatabase;
    PVOID FastIoDispatch;
    PDRIVER_INITIALIZE DriverInit;
    PDRIVER_STARTIO DriverStartIo;
    PDRIVER_UNLOAD DriverUnload;                                 /* set by DriverEntry */
    PDRIVER_DISPATCH MajorFunction[IRP_MJ_MAXIMUM_FUNCTION + 1]; /* never called */
};

DRIVER_INITIALIZE DriverEntry;

#ifdef __cplusplus
}
#endif

#endif
