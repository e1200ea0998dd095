/* The few functions of <windows.h>, <rpcdce.h> that management programs use. */
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "model/guid.h"

static _Thread_local DWORD last_error;

EXPORT DWORD WINAPI GetLastError(void)
{
    return last_error;
}

EXPORT void WINAPI SetLastError(DWORD code)
{
    last_error = code;
}

EXPORT HLOCAL WINAPI LocalFree(HLOCAL memory)
{
    free(memory);
    return NULL;
}

EXPORT RPC_STATUS RPC_ENTRY UuidCreate(UUID *uuid)
{
    return guid_random(uuid) ? RPC_S_OK : RPC_S_UUID_NO_ADDRESS;
}

EXPORT RPC_STATUS RPC_ENTRY UuidCreateNil(UUID *uuid)
{
    memset(uuid, 0, sizeof(*uuid));
    return RPC_S_OK;
}
