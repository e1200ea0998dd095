/* UTF-8 (RFC 3629), one character at a time. */
#ifndef OPENWFP_WFP_UTF8_H
#define OPENWFP_WFP_UTF8_H

#include <stddef.h>
#include <stdio.h>

/* The length of the character at text, 0 when it is none. NUL is none. */
size_t utf8_length(const char *text, size_t left);

/* How many cells a text takes: its characters. */
size_t utf8_width(const char *text);

/* Text from others: what could move the cursor, and what is no text, becomes a question mark. */
void print_clean(FILE *out, const char *text);
void print_clean_bytes(FILE *out, const char *text, size_t length); /* keeps tabs */

#endif
