/*
 * GUID, and DEFINE_GUID: a declaration, or with INITGUID defined (see initguid.h) a definition
 * that may occur in any number of files of a program.
 */
#ifndef OPENWFP_GUIDDEF_H
#define OPENWFP_GUIDDEF_H

#include <stdint.h>
#include <string.h>

typedef struct _GUID {
    uint32_t Data1;
    uint16_t Data2;
    uint16_t Data3;
    uint8_t Data4[8];
} GUID;

typedef GUID IID;
typedef GUID CLSID;
typedef GUID UUID;
typedef GUID *LPGUID;
typedef const GUID *LPCGUID;

#define GUID_NULL ((GUID){0, 0, 0, {0, 0, 0, 0, 0, 0, 0, 0}})

#ifdef __cplusplus
#define REFGUID           const GUID &
#define OPENWFP_C         extern "C"
#define IsEqualGUID(a, b) (memcmp(&(a), &(b), sizeof(GUID)) == 0)
#else
#define REFGUID           const GUID *
#define OPENWFP_C         extern
#define IsEqualGUID(a, b) (memcmp((a), (b), sizeof(GUID)) == 0)
#endif

#define OPENWFP_DECLARE_GUID(name) OPENWFP_C const GUID name

#endif

#ifndef DEFINE_GUID
#ifdef INITGUID
#define DEFINE_GUID(name, l, w1, w2, b1, b2, b3, b4, b5, b6, b7, b8)                               \
    OPENWFP_DECLARE_GUID(name);                                                                    \
    const GUID name __attribute__((weak)) = {l, w1, w2, {b1, b2, b3, b4, b5, b6, b7, b8}}
#else
#define DEFINE_GUID(name, l, w1, w2, b1, b2, b3, b4, b5, b6, b7, b8) OPENWFP_DECLARE_GUID(name)
#endif
#endif
