#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "client.h"
#include "model/layers.h"

static _Thread_local char last_text[512];

EXPORT const char *OpenWfpLastErrorText(void)
{
    return last_text;
}

void error_clear(void)
{
    last_text[0] = '\0';
}

DWORD error_set(DWORD code, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(last_text, sizeof(last_text), format, arguments);
    va_end(arguments);
    return code;
}

DWORD error_take(DWORD code, const char *text)
{
    const char *usual = fwp_error_text(code);

    if (code == ERROR_SUCCESS)
        error_clear();
    else
        snprintf(last_text, sizeof(last_text), "%s", text[0] || !usual ? text : usual);
    return code;
}
