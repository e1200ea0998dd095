#include "shims/bpf/internal.h"

#include <stdio.h>

int shim_fail(struct shim_error *error, int code, const char *format, ...)
{
    va_list arguments;

    if (error) {
        error->code = code;
        va_start(arguments, format);
        vsnprintf(error->text, sizeof(error->text), format, arguments);
        va_end(arguments);
    }
    return code;
}
