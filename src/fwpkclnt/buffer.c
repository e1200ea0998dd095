/* What drivers do with a NET_BUFFER. */
#include <string.h>

#include "fwpkclnt/runtime.h"

/* The bytes are in one MDL here, but a driver may have chained its own. */
static uint32_t copy_scattered(const NET_BUFFER *buffer, uint8_t *to, uint32_t wanted)
{
    const MDL *mdl = buffer->CurrentMdl;
    uint32_t offset = buffer->CurrentMdlOffset, copied = 0;

    for (; mdl && copied < wanted; mdl = mdl->Next, offset = 0) {
        uint32_t part = offset < mdl->ByteCount ? mdl->ByteCount - offset : 0;

        part = part < wanted - copied ? part : wanted - copied;
        memcpy(to + copied, (const uint8_t *)mdl->MappedSystemVa + offset, part);
        copied += part;
    }
    return copied;
}

EXPORT PVOID NdisGetDataBuffer(NET_BUFFER *netBuffer, ULONG bytesNeeded, PVOID storage,
                               UINT32 alignMultiple, UINT32 alignOffset)
{
    const MDL *mdl = netBuffer->CurrentMdl;
    uint32_t offset = netBuffer->CurrentMdlOffset;

    if (!mdl || !bytesNeeded || bytesNeeded > netBuffer->DataLength)
        return NULL;
    if (offset <= mdl->ByteCount && bytesNeeded <= mdl->ByteCount - offset)
        return (uint8_t *)mdl->MappedSystemVa + offset;
    return storage && copy_scattered(netBuffer, storage, bytesNeeded) == bytesNeeded ? storage
                                                                                     : NULL;
}

EXPORT NDIS_STATUS NdisRetreatNetBufferDataStart(NET_BUFFER *netBuffer, ULONG dataOffsetDelta,
                                                 ULONG dataBackFill,
                                                 NET_BUFFER_ALLOCATE_MDL_HANDLER allocateMdlHandler)
{
    if (dataOffsetDelta > netBuffer->CurrentMdlOffset || dataOffsetDelta > netBuffer->DataOffset)
        return NDIS_STATUS_RESOURCES;
    netBuffer->CurrentMdlOffset -= dataOffsetDelta;
    netBuffer->DataOffset -= dataOffsetDelta;
    netBuffer->DataLength += dataOffsetDelta;
    return NDIS_STATUS_SUCCESS;
}

EXPORT void NdisAdvanceNetBufferDataStart(NET_BUFFER *netBuffer, ULONG dataOffsetDelta,
                                          BOOLEAN freeMdl, NET_BUFFER_FREE_MDL_HANDLER handler)
{
    ULONG delta = dataOffsetDelta < netBuffer->DataLength ? dataOffsetDelta : netBuffer->DataLength;

    netBuffer->CurrentMdlOffset += delta;
    netBuffer->DataOffset += delta;
    netBuffer->DataLength -= delta;
}
