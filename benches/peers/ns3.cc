// PHOLD on ns-3: an event is a function that the simulator calls with the node as its context.
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <iostream>
#include <vector>

#include "ns3/core-module.h"

using namespace ns3;

static std::uint64_t state = 1;

// SplitMix64, in all programs of this comparison; from 0 to 1.
static double random_number() {
    state += 0x9e3779b97f4a7c15;
    std::uint64_t z = (state ^ (state >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return ((z ^ (z >> 31)) >> 11) / 9007199254740992.0;
}

static Time delay() { return NanoSeconds(static_cast<std::uint64_t>(-std::log(1.0 - random_number()) * 1e9)); }

static std::vector<std::uint64_t> handled;
static std::uint64_t left;

static void call(std::uint32_t entity) {
    handled[entity] += 1;
    if (--left == 0) {
        Simulator::Stop();
        return;
    }
    auto target = static_cast<std::uint32_t>(random_number() * handled.size());
    Simulator::ScheduleWithContext(target, delay(), &call, target);
}

int main(int count, char **arguments) {
    if (count != 4) {
        std::cerr << "usage: ns3 ENTITIES EVENTS SCHEDULER\n";
        return 2;
    }
    handled.resize(std::strtoull(arguments[1], nullptr, 10));
    std::uint64_t events = left = std::strtoull(arguments[2], nullptr, 10);
    ObjectFactory scheduler;
    scheduler.SetTypeId(arguments[3]);
    Simulator::SetScheduler(scheduler);
    for (std::uint32_t entity = 0; entity < handled.size(); ++entity) {
        Simulator::ScheduleWithContext(entity, delay(), &call, entity);
    }
    std::clock_t start = std::clock();
    Simulator::Run();
    double spent = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
    std::cout << events << " " << spent << "\n";
    Simulator::Destroy();
}
