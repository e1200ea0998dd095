#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "model/utf16.h"

static DWORD no_file(const char *path, int error)
{
    switch (error) {
    case ENOENT:
    case ENOTDIR:
        return error_set(ERROR_FILE_NOT_FOUND, "there is no file %s", path);
    case EACCES:
        return error_set(ERROR_ACCESS_DENIED, "no permission to look at %s", path);
    default:
        return error_set(ERROR_INVALID_PARAMETER, "%s: %s", path, strerror(error));
    }
}

/* The blob and its bytes in one piece: the path in UTF-16 with its terminator (rule 3.9). */
static FWP_BYTE_BLOB *make_blob(const WCHAR *path)
{
    size_t size = (utf16_length(path) + 1) * sizeof(*path);
    FWP_BYTE_BLOB *blob = memory_new(sizeof(*blob) + size);

    if (!blob)
        return NULL;
    blob->size = (UINT32)size;
    blob->data = memcpy(blob + 1, path, size);
    return blob;
}

/*
 * The program's canonical Linux path: symbolic links resolved, not lower-cased. So /usr/bin/python3
 * names the interpreter that it points to, and two paths to one program are one application.
 */
EXPORT DWORD WINAPI FwpmGetAppIdFromFileName0(PCWSTR fileName, FWP_BYTE_BLOB **appId)
{
    char *path, *real;
    WCHAR *wide = NULL;
    DWORD code = ERROR_SUCCESS;

    if (!fileName || !appId)
        return error_set(FWP_E_NULL_POINTER, "%s is a null pointer",
                         fileName ? "appId" : "fileName");
    error_clear();
    path = utf16_to_utf8(fileName);
    real = path ? realpath(path, NULL) : NULL;
    if (path && !real) {
        code = no_file(path, errno);
    } else {
        wide = real ? utf16_from_utf8(real) : NULL;
        *appId = wide ? make_blob(wide) : NULL;
        if (!*appId)
            code = error_set(ERROR_NOT_ENOUGH_MEMORY, "out of memory");
    }
    free(wide);
    free(real);
    free(path);
    return code;
}
