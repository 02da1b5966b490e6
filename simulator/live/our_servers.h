// OurServers: full reference servers in this process, on the real event loop, that the target can
// reach over HTTPS.
//
// One thread runs all their engines. Each has listeners of its own: one for its clients, and one
// for federation behind a relay, whose port is the one in the server's name.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "refserver/engine/server.h"
#include "refserver/platform/certificate.h"
#include "refserver/platform/event_loop.h"
#include "refserver/platform/http_client.h"
#include "refserver/platform/http_server.h"
#include "refserver/platform/stderr_log.h"
#include "simulator/live/faults.h"
#include "simulator/live/faulty_network.h"
#include "simulator/live/relay.h"

namespace matrix::live {

struct OurServersOptions {
    int servers = 3;
    std::vector<std::string> users;  ///< Localparts, of each server.
    std::string bind_ip = "127.0.0.1";
    std::string host = "localhost";  ///< In the names of servers.
    std::uint16_t first_port = 0;  ///< In the names; the next servers have the next ones. 0: free.
    platform::ServerCertificate certificate;
    std::string authorities_pem;  ///< Whom the servers trust besides the system's.
    ServerName target;
    /// Where the target's federation is, if that is not to be found out from its name.
    engine::AppointedAddresses appointed;
    runtime::LogLevel log_level = runtime::LogLevel::Error;
};

class OurServers {
public:
    /// Why they cannot be started is the error.
    static std::expected<std::unique_ptr<OurServers>, std::string> start(OurServersOptions options,
                                                                         Faults& faults);
    OurServers(const OurServers&) = delete;
    OurServers& operator=(const OurServers&) = delete;
    ~OurServers();

    int count() const { return static_cast<int>(servers_.size()); }
    const ServerName& name(int server) const;
    /// Of the client API.
    const std::string& client_url(int server) const;
    /// Of the federation API, past the relay and its faults.
    std::string federation_url(int server) const;
    const std::string& access_token(int server, const std::string& localpart) const;
    const TargetAnswers& target_answers() const { return answers_; }

    /// Other faults are in force from now on.
    void change_faults(LinkFaults faults);

    /// Runs `ask` on the loop between two turns and gives what it returns.
    template <class T>
    T ask(int server, std::function<T(engine::Server&)> ask) {
        std::promise<T> answer;
        std::future<T> answered = answer.get_future();
        loop_.post([&] { answer.set_value(ask(engine(server))); });
        return answered.get();
    }

private:
    struct Server;
    OurServers(OurServersOptions options, Faults& faults);
    std::expected<void, std::string> add(int number);
    engine::Server& engine(int server);

    OurServersOptions options_;
    Faults& faults_;
    Routes routes_;
    TargetAnswers answers_;
    platform::StderrLog log_;
    platform::EventLoop loop_;
    platform::HttpClient client_;
    Relay relay_;
    std::vector<std::unique_ptr<Server>> servers_;
    std::thread thread_;
};

}  // namespace matrix::live
