/* Sessions: who is connected. */
#include "client.h"

EXPORT DWORD WINAPI FwpmSessionCreateEnumHandle0(HANDLE engineHandle,
                                                 const FWPM_SESSION_ENUM_TEMPLATE0 *enumTemplate,
                                                 HANDLE *enumHandle)
{
    return object_enum_create(engineHandle, MODEL_SESSION, enumTemplate, enumHandle);
}

EXPORT DWORD WINAPI FwpmSessionEnum0(HANDLE engineHandle, HANDLE enumHandle,
                                     UINT32 numEntriesRequested, FWPM_SESSION0 ***entries,
                                     UINT32 *numEntriesReturned)
{
    return object_enum(engineHandle, MODEL_SESSION, enumHandle, numEntriesRequested,
                       (void ***)entries, numEntriesReturned);
}

EXPORT DWORD WINAPI FwpmSessionDestroyEnumHandle0(HANDLE engineHandle, HANDLE enumHandle)
{
    return object_enum_destroy(engineHandle, enumHandle);
}
