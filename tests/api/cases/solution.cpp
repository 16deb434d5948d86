// Adds two numbers, or does what its first word says instead.
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

int main() {
    std::string what;
    long long a = 0, b = 0;
    std::cin >> what >> a >> b;
    if (what == "slow") std::this_thread::sleep_for(std::chrono::seconds(30));
    if (what == "burn") for (volatile unsigned long n = 0;; n = n + 1) {}
    if (what == "crash") *(volatile int *)0 = 1;
    if (what == "flood") for (;;) std::cout << "flood flood flood flood\n";
    if (what == "eat") {
        std::vector<std::vector<char>> all;
        for (;;) all.emplace_back(1 << 20, 'x');
    }
    if (what == "exit") return 3;
    if (what == "lie") std::cout << a + b + 1 << "\n";
    else std::cout << a + b << "\n";
    return 0;
}
