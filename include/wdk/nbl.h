/*
 * Packets as drivers see them. A NET_BUFFER_LIST has one NET_BUFFER here, whose data is in one MDL;
 * in front of the data are the headers that were passed already, so that a driver can retreat to
 * them. Only the members that the macros name mean something; the others are for the layout.
 */
#ifndef OPENWFP_NBL_H
#define OPENWFP_NBL_H

#include <ntddk.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef int NDIS_STATUS, *PNDIS_STATUS;
typedef PVOID NDIS_HANDLE, *PNDIS_HANDLE;

#define NDIS_STATUS_SUCCESS   ((NDIS_STATUS)STATUS_SUCCESS)
#define NDIS_STATUS_RESOURCES ((NDIS_STATUS)STATUS_INSUFFICIENT_RESOURCES)

/* ---- pieces of memory ---- */

typedef struct _MDL {
    struct _MDL *Next;
    CSHORT Size;
    CSHORT MdlFlags;
    PVOID Process;
    PVOID MappedSystemVa; /* the first byte */
    PVOID StartVa;
    ULONG ByteCount;
    ULONG ByteOffset;
} MDL, *PMDL;

typedef ULONG MM_PAGE_PRIORITY;
#define LowPagePriority     0
#define NormalPagePriority  16
#define HighPagePriority    32
#define MdlMappingNoExecute 0x40000000

#define MmGetMdlByteCount(mdl)                      ((mdl)->ByteCount)
#define MmGetMdlByteOffset(mdl)                     ((mdl)->ByteOffset)
#define MmGetSystemAddressForMdlSafe(mdl, priority) ((mdl)->MappedSystemVa)
#define NdisQueryMdl(mdl, address, length, priority)                                               \
    (*(address) = (mdl)->MappedSystemVa, *(length) = (mdl)->ByteCount)

/* ---- packets ---- */

typedef struct _NET_BUFFER {
    struct {
        struct _NET_BUFFER *Next;
        PMDL CurrentMdl;
        ULONG CurrentMdlOffset;
        union {
            ULONG DataLength;
            SIZE_T stDataLength;
        };
        PMDL MdlChain;
        ULONG DataOffset; /* bytes in front of the data */
    };
    USHORT ChecksumBias;
    USHORT Reserved;
    NDIS_HANDLE NdisPoolHandle;
    PVOID NdisReserved[2] __attribute__((aligned(16)));
    PVOID ProtocolReserved[6] __attribute__((aligned(16)));
    PVOID MiniportReserved[4] __attribute__((aligned(16)));
    UINT64 DataPhysicalAddress;
    PVOID SharedMemoryInfo;
} NET_BUFFER, *PNET_BUFFER;

#define OPENWFP_NET_BUFFER_LIST_INFOS 25

typedef struct _NET_BUFFER_LIST {
    struct {
        struct _NET_BUFFER_LIST *Next;
        NET_BUFFER *FirstNetBuffer;
    };
    PVOID Context;
    struct _NET_BUFFER_LIST *ParentNetBufferList; /* of a clone */
    NDIS_HANDLE NdisPoolHandle;
    PVOID NdisReserved[2] __attribute__((aligned(16)));
    PVOID ProtocolReserved[4] __attribute__((aligned(16)));
    PVOID MiniportReserved[2] __attribute__((aligned(16)));
    PVOID Scratch;
    NDIS_HANDLE SourceHandle;
    ULONG NblFlags;
    LONG ChildRefCount; /* clones that are there */
    ULONG Flags;
    union {
        NDIS_STATUS Status; /* how an injection ended */
        ULONG NdisReserved2;
    };
    PVOID NetBufferListInfo[OPENWFP_NET_BUFFER_LIST_INFOS];
} NET_BUFFER_LIST, *PNET_BUFFER_LIST;

#define NET_BUFFER_LIST_NEXT_NBL(list)        ((list)->Next)
#define NET_BUFFER_LIST_FIRST_NB(list)        ((list)->FirstNetBuffer)
#define NET_BUFFER_LIST_STATUS(list)          ((list)->Status)
#define NET_BUFFER_LIST_INFO(list, id)        ((list)->NetBufferListInfo[id])
#define NET_BUFFER_NEXT_NB(buffer)            ((buffer)->Next)
#define NET_BUFFER_FIRST_MDL(buffer)          ((buffer)->MdlChain)
#define NET_BUFFER_CURRENT_MDL(buffer)        ((buffer)->CurrentMdl)
#define NET_BUFFER_DATA_LENGTH(buffer)        ((buffer)->DataLength)
#define NET_BUFFER_DATA_OFFSET(buffer)        ((buffer)->DataOffset)
#define NET_BUFFER_CURRENT_MDL_OFFSET(buffer) ((buffer)->CurrentMdlOffset)

typedef PMDL(NTAPI *NET_BUFFER_ALLOCATE_MDL_HANDLER)(PULONG bufferSize);
typedef void(NTAPI *NET_BUFFER_FREE_MDL_HANDLER)(PMDL mdl);

/*
 * The next bytesNeeded bytes of the data in one piece: where they lie, or, when they are scattered,
 * copied to storage. NULL: there are not so many, or they are scattered and storage is NULL.
 * Alignments are ignored. IRQL <= DISPATCH_LEVEL.
 */
PVOID NdisGetDataBuffer(NET_BUFFER *netBuffer, ULONG bytesNeeded, PVOID storage,
                        UINT32 alignMultiple, UINT32 alignOffset);

/*
 * Moves the beginning of the data to the front, into what lies there (the headers). Memory is not
 * made: NDIS_STATUS_RESOURCES when there are not so many bytes. The last two parameters are
 * ignored. IRQL <= DISPATCH_LEVEL.
 */
NDIS_STATUS NdisRetreatNetBufferDataStart(NET_BUFFER *netBuffer, ULONG dataOffsetDelta,
                                          ULONG dataBackFill,
                                          NET_BUFFER_ALLOCATE_MDL_HANDLER allocateMdlHandler);

/* Moves the beginning of the data to the back, at most to its end. The last two parameters are
 * ignored. IRQL <= DISPATCH_LEVEL. */
void NdisAdvanceNetBufferDataStart(NET_BUFFER *netBuffer, ULONG dataOffsetDelta, BOOLEAN freeMdl,
                                   NET_BUFFER_FREE_MDL_HANDLER freeMdlHandler);

#ifdef __cplusplus
}
#endif

#endif
