/*
 * A machine that is the same everywhere: users root 0, www-data 33, postgres 70; group admin 110;
 * services ssh, http, https, domain; interface eth0 is 2; programs in /usr/bin and /usr/sbin
 * exist, /usr/bin/python3 is a link; the callout "limiter" exists at connect.
 */
#ifndef OPENWFP_TESTS_FIXED_ENVIRONMENT_H
#define OPENWFP_TESTS_FIXED_ENVIRONMENT_H

#include "src/wfp/policy/environment.h"

/* ctx: the directory that files are read from (const char *), NULL: there are no files. */
extern const struct environment fixed_environment;

#endif
