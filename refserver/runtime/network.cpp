#include "refserver/runtime/network.h"

#include "refserver/base/assert.h"

namespace matrix::runtime {

bool is_before_sending(NetworkErrorKind kind) {
    switch (kind) {
        case NetworkErrorKind::Unreachable:
        case NetworkErrorKind::Tls:
        case NetworkErrorKind::Forbidden:
            return true;
        case NetworkErrorKind::Interrupted:
        case NetworkErrorKind::Timeout:
        case NetworkErrorKind::TooLarge:
            return false;
    }
    unreachable();
}

std::string_view name_of(NetworkErrorKind kind) {
    switch (kind) {
        case NetworkErrorKind::Unreachable:
            return "unreachable";
        case NetworkErrorKind::Tls:
            return "tls";
        case NetworkErrorKind::Forbidden:
            return "forbidden_address";
        case NetworkErrorKind::Interrupted:
            return "interrupted";
        case NetworkErrorKind::Timeout:
            return "timeout";
        case NetworkErrorKind::TooLarge:
            return "too_large";
    }
    unreachable();
}

}  // namespace matrix::runtime
