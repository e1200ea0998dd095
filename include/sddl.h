/* Security descriptors and identifiers as text. */
#ifndef OPENWFP_SDDL_H
#define OPENWFP_SDDL_H

#include <windows.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SDDL_REVISION_1 1
#define SDDL_REVISION   SDDL_REVISION_1

/*
 * A self-relative security descriptor from SDDL, "D:(A;;CC;;;S-1-22-1-1000)". Unix users are
 * S-1-22-1-uid, groups S-1-22-2-gid. revision must be SDDL_REVISION_1; size, in bytes, may be
 * NULL. The caller frees *descriptor with LocalFree. FALSE: see GetLastError
 * (ERROR_INVALID_PARAMETER, ERROR_INVALID_ACL, ERROR_INVALID_SID, ERROR_UNKNOWN_REVISION).
 */
BOOL WINAPI ConvertStringSecurityDescriptorToSecurityDescriptorW(LPCWSTR text, DWORD revision,
                                                                 PSECURITY_DESCRIPTOR *descriptor,
                                                                 ULONG *size);
/* The other way, of the parts named in information. The caller frees *text with LocalFree. */
BOOL WINAPI ConvertSecurityDescriptorToStringSecurityDescriptorW(PSECURITY_DESCRIPTOR descriptor,
                                                                 DWORD revision,
                                                                 SECURITY_INFORMATION information,
                                                                 LPWSTR *text, ULONG *length);
/* "S-1-22-1-1000". The caller frees the result with LocalFree. */
BOOL WINAPI ConvertSidToStringSidW(PSID sid, LPWSTR *text);
/* The other way. The caller frees *sid with LocalFree. */
BOOL WINAPI ConvertStringSidToSidW(LPCWSTR text, PSID *sid);

#ifdef UNICODE
#define ConvertStringSecurityDescriptorToSecurityDescriptor                                        \
    ConvertStringSecurityDescriptorToSecurityDescriptorW
#define ConvertSecurityDescriptorToStringSecurityDescriptor                                        \
    ConvertSecurityDescriptorToStringSecurityDescriptorW
#define ConvertSidToStringSid ConvertSidToStringSidW
#define ConvertStringSidToSid ConvertStringSidToSidW
#endif

#ifdef __cplusplus
}
#endif

#endif
