/* What management programs use of Microsoft's RPC: authentication names and UUIDs. */
#ifndef OPENWFP_RPCDCE_H
#define OPENWFP_RPCDCE_H

#include <guiddef.h>
#include <windef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef LONG RPC_STATUS;

#define RPC_S_OK              0
#define RPC_S_UUID_LOCAL_ONLY 1824
#define RPC_S_UUID_NO_ADDRESS 1739
#define RPC_ENTRY

/* FwpmEngineOpen0's authnService; all are local and mean the socket's peer credentials here. */
#define RPC_C_AUTHN_NONE    0
#define RPC_C_AUTHN_WINNT   10
#define RPC_C_AUTHN_DEFAULT 0xffffffff

#define SEC_WINNT_AUTH_IDENTITY_ANSI    0x1
#define SEC_WINNT_AUTH_IDENTITY_UNICODE 0x2

typedef struct _SEC_WINNT_AUTH_IDENTITY_W {
    WCHAR *User;
    ULONG UserLength; /* in units, without the NUL */
    WCHAR *Domain;
    ULONG DomainLength;
    WCHAR *Password;
    ULONG PasswordLength;
    ULONG Flags;
} SEC_WINNT_AUTH_IDENTITY_W, *PSEC_WINNT_AUTH_IDENTITY_W;

/* A fresh random UUID (version 4). Returns RPC_S_OK. */
RPC_STATUS RPC_ENTRY UuidCreate(UUID *uuid);
/* All zeros. Returns RPC_S_OK. */
RPC_STATUS RPC_ENTRY UuidCreateNil(UUID *uuid);

#ifdef __cplusplus
}
#endif

#endif
