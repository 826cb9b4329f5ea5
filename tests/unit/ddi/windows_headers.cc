// Compiled for Windows only, with mingw-w64: the layout assertions hold over the system's own
// types, and the headers live beside <d3d11.h>, whose messages have the same sizes.
#include <d3d11.h>

#include "umd/ddi/d3d11_1_ddi.h"

static_assert(sizeof(D3D11_AUTHENTICATED_CONFIGURE_OUTPUT) ==
              sizeof(D3D11_1DDI_AUTHENTICATED_CONFIGURE_OUTPUT));
static_assert(sizeof(D3D11_AUTHENTICATED_CONFIGURE_INITIALIZE_INPUT) ==
              sizeof(D3D11_1DDI_AUTHENTICATED_CONFIGURE_INITIALIZE));
static_assert(sizeof(D3D11_AUTHENTICATED_CONFIGURE_CRYPTO_SESSION_INPUT) ==
              sizeof(D3D11_1DDI_AUTHENTICATED_CONFIGURE_CRYPTO_SESSION));
static_assert(sizeof(D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_OUTPUT) ==
              sizeof(D3D11_1DDI_AUTHENTICATED_QUERY_OUTPUT_ID_OUTPUT));
static_assert(sizeof(D3D11_VIDEO_CONTENT_PROTECTION_CAPS) ==
              sizeof(D3D11_1DDI_VIDEO_CONTENT_PROTECTION_CAPS));
static_assert(sizeof(D3D11_ENCRYPTED_BLOCK_INFO) == sizeof(D3D11_1DDI_ENCRYPTED_BLOCK_INFO));
static_assert(static_cast<UINT>(D3D11_RESOURCE_MISC_RESTRICTED_CONTENT) ==
              ward::umd::kApiResourceMiscRestrictedContent);
static_assert(static_cast<UINT>(D3D11_RESOURCE_MISC_RESTRICT_SHARED_RESOURCE_DRIVER) ==
              ward::umd::kApiResourceMiscRestrictSharedResourceDriver);
