/* Security descriptors and identifiers as text: <sddl.h>. */
#include <sddl.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "model/sd.h"
#include "model/utf16.h"

/* FALSE, with the thread's last error and a sentence about it. */
static BOOL failed(DWORD code, const char *text)
{
    SetLastError(code);
    error_take(code, text);
    return FALSE;
}

static BOOL no_memory(void)
{
    return failed(ERROR_NOT_ENOUGH_MEMORY, "out of memory");
}

/* ---- descriptors */

EXPORT BOOL WINAPI ConvertStringSecurityDescriptorToSecurityDescriptorW(
    LPCWSTR text, DWORD revision, PSECURITY_DESCRIPTOR *descriptor, ULONG *size)
{
    const char *why = "out of memory";
    FWP_BYTE_BLOB made;
    char *narrow;
    bool parsed;

    if (!text || !descriptor)
        return failed(ERROR_INVALID_PARAMETER, "a null pointer");
    if (revision != SDDL_REVISION_1)
        return failed(ERROR_UNKNOWN_REVISION, "the revision must be SDDL_REVISION_1");
    narrow = utf16_to_utf8(text);
    parsed = narrow && sddl_parse(narrow, &made, NULL, &why);
    free(narrow);
    if (!parsed)
        return failed(ERROR_INVALID_PARAMETER, why);
    *descriptor = made.data;
    if (size)
        *size = made.size;
    return TRUE;
}

/* A copy of the descriptor's header that shows only the parts asked for. */
static struct sd restrict_to(struct sd sd, SECURITY_INFORMATION information)
{
    if (!(information & OWNER_SECURITY_INFORMATION))
        sd.owner = 0;
    if (!(information & GROUP_SECURITY_INFORMATION))
        sd.group = 0;
    if (!(information & DACL_SECURITY_INFORMATION))
        sd.control &= (uint16_t)~SD_DACL_PRESENT, sd.dacl = 0;
    if (!(information & SACL_SECURITY_INFORMATION))
        sd.control &= (uint16_t)~SD_SACL_PRESENT, sd.sacl = 0;
    return sd;
}

static BOOL give_text(const char *narrow, LPWSTR *text, ULONG *length)
{
    *text = narrow ? utf16_from_utf8(narrow) : NULL;
    if (!*text)
        return no_memory();
    if (length)
        *length = (ULONG)utf16_length(*text) + 1;
    return TRUE;
}

EXPORT BOOL WINAPI ConvertSecurityDescriptorToStringSecurityDescriptorW(
    PSECURITY_DESCRIPTOR descriptor, DWORD revision, SECURITY_INFORMATION information, LPWSTR *text,
    ULONG *length)
{
    const char *why = "malformed";
    struct sd sd;
    char *narrow;
    BOOL given;

    if (!descriptor || !text)
        return failed(ERROR_INVALID_PARAMETER, "a null pointer");
    if (revision != SDDL_REVISION_1)
        return failed(ERROR_UNKNOWN_REVISION, "the revision must be SDDL_REVISION_1");
    if (!sd_open(&sd, descriptor, sd_length(descriptor), &why))
        return failed(ERROR_INVALID_SECURITY_DESCR, why);
    sd = restrict_to(sd, information);
    narrow = sddl_format(&sd);
    given = give_text(narrow, text, length);
    free(narrow);
    return given;
}

/* ---- identifiers */

EXPORT BOOL WINAPI ConvertSidToStringSidW(PSID sid, LPWSTR *text)
{
    char narrow[SID_TEXT_SIZE];
    struct sid loaded;

    if (!sid || !text)
        return failed(ERROR_INVALID_PARAMETER, "a null pointer");
    if (!sid_load(&loaded, sid, SID_MAX_SIZE))
        return failed(ERROR_INVALID_SID, "the SID is malformed");
    return give_text(sid_format(&loaded, narrow), text, NULL);
}

EXPORT BOOL WINAPI ConvertStringSidToSidW(LPCWSTR text, PSID *sid)
{
    struct sid parsed;
    const char *end;
    char *narrow;
    bool good;

    if (!text || !sid)
        return failed(ERROR_INVALID_PARAMETER, "a null pointer");
    narrow = utf16_to_utf8(text);
    good = narrow && sid_parse(narrow, &end, &parsed) && !*end;
    free(narrow);
    if (!good)
        return failed(ERROR_INVALID_SID, "not a SID: S-1-22-1-<uid> is a user, S-1-22-2-<gid> "
                                         "a group");
    *sid = malloc(parsed.size);
    if (!*sid)
        return no_memory();
    memcpy(*sid, parsed.bytes, parsed.size);
    return TRUE;
}
