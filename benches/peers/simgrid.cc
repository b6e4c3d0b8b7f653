// PHOLD on SimGrid, in two ways. `actors`: an actor that sleeps is an event on its way from entity to entity, as its
// documentation writes models. `timers`: the kernel's own timers, under everything that a user of SimGrid writes.
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <iostream>
#include <string>
#include <vector>

#include <simgrid/kernel/Timer.hpp>
#include <simgrid/s4u.hpp>

namespace s4u = simgrid::s4u;
using simgrid::kernel::timer::Timer;

static std::uint64_t state = 1;

// SplitMix64, in all programs of this comparison; from 0 to 1.
static double random_number() {
    state += 0x9e3779b97f4a7c15;
    std::uint64_t z = (state ^ (state >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return ((z ^ (z >> 31)) >> 11) / 9007199254740992.0;
}

static double delay() { return -std::log(1.0 - random_number()); }

static std::vector<std::uint64_t> handled;
static std::uint64_t events = 0;

static void handle() {
    handled[static_cast<std::size_t>(random_number() * handled.size())] += 1;
    ++events;
}

static void actor() {
    while (true) {
        s4u::this_actor::sleep_for(delay());
        handle();
    }
}

static void fire() {
    handle();
    Timer::set(s4u::Engine::get_clock() + delay(), &fire);
}

int main(int count, char **arguments) {
    s4u::Engine engine(&count, arguments);
    if (count != 4) {
        std::cerr << "usage: simgrid ENTITIES EVENTS actors|timers\n";
        return 2;
    }
    handled.resize(std::strtoull(arguments[1], nullptr, 10));
    double end = std::strtod(arguments[2], nullptr) / handled.size();
    bool actors = std::string(arguments[3]) == "actors";
    auto *zone = s4u::create_full_zone("zone");
    auto *host = zone->create_host("host", "1Gf")->seal();
    zone->seal();
    for (std::size_t entity = 0; entity < handled.size(); ++entity) {
        if (actors) {
            s4u::Actor::create("entity", host, actor);
        } else {
            Timer::set(delay(), &fire);
        }
    }
    // The engine runs as long as somebody lives.
    s4u::Actor::create("end", host, [end] { s4u::this_actor::sleep_for(2 * end); });
    // Starts the actors, which is their set-up.
    engine.run_until(1e-9);
    std::uint64_t before = events;
    std::clock_t start = std::clock();
    engine.run_until(end);
    double spent = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
    std::cout << events - before << " " << spent << std::endl;
    // Not through the end of all actors, which would take long and shows nothing.
    std::_Exit(0);
}
