#include "error.h"

#include <stdarg.h>
#include <stdio.h>

uint32_t fail(struct model_error *error, uint32_t code, const char *format, ...)
{
    va_list arguments;

    if (!error)
        return code;
    error->code = code;
    va_start(arguments, format);
    vsnprintf(error->text, sizeof(error->text), format, arguments);
    va_end(arguments);
    return code;
}

uint32_t fail_memory(struct model_error *error)
{
    return fail(error, ERROR_NOT_ENOUGH_MEMORY, "The filter engine is out of memory.");
}
