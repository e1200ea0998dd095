/*
 * Error codes. FWP_E_* are HRESULTs on Windows; here they have the type of what the functions
 * return, DWORD, with the same bits.
 */
#ifndef OPENWFP_WINERROR_H
#define OPENWFP_WINERROR_H

#include <windef.h>

#include <fwp_errors.h>

#define NO_ERROR 0
#define S_OK     ((HRESULT)0)
#define S_FALSE  ((HRESULT)1)

#define SUCCEEDED(hr)  ((HRESULT)(hr) >= 0)
#define FAILED(hr)     ((HRESULT)(hr) < 0)
#define FACILITY_WIN32 7
#define FACILITY_FWP   50

#define HRESULT_FROM_WIN32(code)                                                                   \
    ((HRESULT)(code) <= 0 ? (HRESULT)(code)                                                        \
                          : (HRESULT)(((code)&0xffff) | FACILITY_WIN32 << 16 | 0x80000000u))

#endif
