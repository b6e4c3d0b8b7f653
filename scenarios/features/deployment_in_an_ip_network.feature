Feature: Deployment in an IP Network
  Stakeholders: service providers, resource providers
  Environment: feature or testnet
  Development: implemented

  Background:
    Given the following nodes
      | nodes   | role | onboarded | org   |
      | Alice   | SP   | false     | nunet |
      | Bob     | CP   | true      | nunet |
      | Charlie | CP   | true      | nunet |

  Scenario: Launch multiple deployments that communicate via IP network
    Given "Alice" has services deployed on "Bob" and "Charlie"
    When "Bob" service tries to communicate with "Charlie"
    Then they should get a OK response

  Scenario: Allocations communicate after the deployment was restarted
    Given "Alice" has services deployed on "Bob" and "Charlie"
    And "Bob" service tries to communicate with "Charlie"
    And they should get a OK response
    When "Alice" restarts the deployment
    And "Bob" service tries to communicate with "Charlie"
    Then they should get a OK response

  Scenario: Allocations resolve each other's DNS names
    Given "Alice" has services deployed on "Bob" and "Charlie"
    Then every allocation of "Alice" should resolve all others
    And allocation "nginxA" of "Alice" should resolve "nginxB.internal" to "Charlie"
    And allocation "nginxB" of "Alice" should resolve "nginxA.internal" to "Bob"
    And allocation "nginxA" of "Alice" should not resolve "nginxC.internal"
    When allocation "nginxA" of "Alice" requests "nginxB"
    Then the request should be answered
    And the request should have gone directly

  Scenario: DNS names lead to the new place after a stop and a start
    Given "Alice" has services deployed on "Bob" and "Charlie"
    And every allocation of "Alice" should resolve all others
    When "Alice" restarts the deployment
    Then every allocation of "Alice" should resolve all others
    And allocation "nginxA" of "Alice" should resolve "nginxB.internal" to "Charlie"
    When allocation "nginxA" of "Alice" requests "nginxB"
    Then the request should be answered

  # Nobody places a lost node anew in the real DMS.
  @W2
  Scenario: DNS names lead to the new place after a node was redeployed
    Given the following nodes
      | nodes | role | onboarded | org   |
      | Dave  | CP   | true      | nunet |
    And "Alice" has deployed "redeployed_pair.yaml"
    And "Alice" deployment is running
    And every allocation of "Alice" should resolve all others
    When the machine under allocation "back" of "Alice" goes down for good
    And allocation "front" of "Alice" requests "back"
    Then the request should fail with "timed out"
    And allocation "back" of "Alice" should run on another machine
    And "Alice" deployment is running
    And every allocation of "Alice" should resolve all others
    When allocation "front" of "Alice" requests "back"
    Then the request should be answered
    When allocation "back" of "Alice" requests "front"
    Then the request should be answered

  Scenario: Different deployments do not see each other's names
    Given the ensemble "same_names.yaml":
      """
      version: "V1"
      allocations:
        nginxA: &nginx
          type: service
          executor: docker
          resources: {cpu: {cores: 0.5}, ram: {size: 512 MiB}, disk: {size: 1}}
          execution: {type: docker, image: "nginx:1.27-alpine"}
        backend: *nginx
      nodes:
        nodeA: {allocations: [nginxA], peer: bob}
        nodeB: {allocations: [backend], peer: charlie}
      subnet: {join: true}
      """
    And "Alice" has services deployed on "Bob" and "Charlie"
    And "Alice" deploys "same_names.yaml" as "second"
    And "second" deployment is running
    # Each finds its own, also where both have one of the same name.
    Then every allocation of "second" should resolve all others
    And allocation "nginxA" of "second" should resolve "backend.internal" to "Charlie"
    And allocation "nginxA" of "second" should not resolve "nginxB.internal"
    When allocation "nginxA" of "second" requests "nginxB"
    Then the request should fail with "no such name"
    When allocation "nginxA" of "second" requests "backend"
    Then the request should be answered

  Scenario: Connect to a running deployment via SSH
    Given "Alice" has deployed "shell.yaml" on "Bob"
    And "Alice" deployment is running
    # From the node that has joined the subnet, from outside, and from another allocation.
    When "Alice" logs in to "shell" of "Alice" with the key "alice.pub"
    Then the login should succeed
    When "Alice" logs in to "shell" of "Alice" from outside with the key "alice.pub"
    Then the login should succeed
    When "Alice" logs in to "shell" of "Alice" from allocation "helper" with the key "alice.pub"
    Then the login should succeed
    # Nobody gets in with another key, from a node that has not joined, or where there is no key.
    When "Alice" logs in to "shell" of "Alice" with the key "mallory.pub"
    Then the login should fail with "Permission denied (publickey)"
    When "Charlie" logs in to "shell" of "Alice" from outside with the key "mallory.pub"
    Then the login should fail with "Permission denied (publickey)"
    When "Charlie" logs in to "shell" of "Alice" with the key "alice.pub"
    Then the login should fail with "Could not resolve hostname shell.internal"
    When "Alice" logs in to "helper" of "Alice" with the key "alice.pub"
    Then the login should fail with "Connection refused"
    When "Alice" logs in to "helper" of "Alice" from outside with the key "alice.pub"
    Then the login should fail with "no public port leads to port 22 of helper"
    When the deployment of "Alice" is ended for good
    And "Alice" logs in to "shell" of "Alice" with the key "alice.pub"
    Then the login should fail with "Could not resolve hostname shell.internal"
    When "Alice" logs in to "shell" of "Alice" from outside with the key "alice.pub"
    Then the login should fail with "Connection refused"

  Scenario: Providers behind translators that allow no hole communicate over a relay
    Given the following nodes
      | nodes | role      | onboarded | org   | nat             |
      | Boot  | BOOTSTRAP | false     | nunet | -               |
      | Rita  | RELAY     | false     | nunet | -               |
      | Nina  | CP        | true      | nunet | port_restricted |
      | Nick  | CP        | true      | nunet | symmetric       |
    And the scenario:
      """
      network:
        nat: {shares: {public: 100%, full_cone: 0, restricted: 0, port_restricted: 0, symmetric: 0,
          carrier_grade: 0, firewalled: 0}, start: fresh}
      """
    And Target "Nina" waits to perform AutoNAT and obtain relay circuits
    And Target "Nick" waits to perform AutoNAT and obtain relay circuits
    When "Alice" has services deployed on "Nina" and "Nick"
    Then every allocation of "Alice" should resolve all others
    When "Nina" service tries to communicate with "Nick"
    Then they should get a OK response
    When allocation "nginxA" of "Alice" requests "nginxB"
    Then the request should be answered
    And the request should have gone over "Rita"
    # A port map of DMS is on the host, and opens no translator.
    When "Bob" requests "nginxA" of "Alice" from outside
    Then the request should fail with "unreachable"

  Scenario: Providers behind translators that allow holes communicate directly
    Given the following nodes
      | nodes | role      | onboarded | org   | nat        |
      | Boot  | BOOTSTRAP | false     | nunet | -          |
      | Rita  | RELAY     | false     | nunet | -          |
      | Nina  | CP        | true      | nunet | restricted |
      | Nick  | CP        | true      | nunet | symmetric  |
    And the scenario:
      """
      network:
        nat: {shares: {public: 100%, full_cone: 0, restricted: 0, port_restricted: 0, symmetric: 0,
          carrier_grade: 0, firewalled: 0}, start: fresh, punching: 100%}
      """
    And Target "Nina" waits to perform AutoNAT and obtain relay circuits
    And Target "Nick" waits to perform AutoNAT and obtain relay circuits
    When "Alice" has services deployed on "Nina" and "Nick"
    And allocation "nginxA" of "Alice" requests "nginxB"
    Then the request should be answered
    And the request should have gone directly
