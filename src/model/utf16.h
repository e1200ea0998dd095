/*
 * UTF-16 strings of the API from and to UTF-8. Conversion never fails for bad input: what is not
 * valid becomes U+FFFD, so any name a client sends can be shown.
 */
#ifndef OPENWFP_MODEL_UTF16_H
#define OPENWFP_MODEL_UTF16_H

#include <stddef.h>

#include <fwptypes.h>

/* In 16-bit units, without the terminator. NULL has length 0. */
size_t utf16_length(const WCHAR *text);
/* At most `limit` units are looked at. */
size_t utf16_length_within(const WCHAR *text, size_t limit);
int utf16_compare(const WCHAR *a, const WCHAR *b);

/* malloc'ed; NULL for NULL, or when memory is short. */
char *utf16_to_utf8(const WCHAR *text);
char *utf16_to_utf8_within(const WCHAR *text, size_t units);
WCHAR *utf16_from_utf8(const char *text);

/* Into a caller's buffer, cut at a character's border; for messages. Returns buffer. */
char *utf16_print(const WCHAR *text, char *buffer, size_t size);

/* Simple case folding of one unit: Latin, Greek and Cyrillic letters, as far as one to one. */
WCHAR utf16_fold(WCHAR unit);

#endif
