Feature: Posemesh
  Stakeholders: service providers
  Environment: testnet with DDNS, proxy and CA
  Development: in progress

  Scenario: Launch a deployment with a Dynamic DNS Node
    Given the following nodes
      | nodes | role | onboarded | org   |
      | Alice | SP   | false     | nunet |
      | Dora  | SP   | false     | nunet |
      | Eve   | SP   | false     | -     |
      | Frank | SP   | false     | -     |
      | Bob   | CP   | true      | nunet |
    And the scenario:
      """
      dynamic_dns: {zone: posemesh.example, server: dora, ttl: 1m, lease: 10m, peers: [bob]}
      """
    And "Alice" has deployed "nginx.yaml" on "Bob"
    And "Alice" deployment is running
    Then the name "bob.posemesh.example" should lead to "Bob"
    And the name "charlie.posemesh.example" should lead nowhere
    When "Eve" requests "nginx" of "Alice" from outside by the name "bob.posemesh.example"
    Then the request should be answered
    When "Eve" requests "nginx" of "Alice" from outside
    Then the request should be answered
    When "Bob" moves to another public address
    Then "Alice" deployment should be running on "Bob"
    And the name "bob.posemesh.example" should lead to "Bob"
    # Whoever asks for the name now is led to the new place, while those who keep the old address meet nobody there.
    When "Frank" requests "nginx" of "Alice" from outside by the name "bob.posemesh.example"
    Then the request should be answered
    When "Frank" requests "nginx" of "Alice" from outside at the former address of "Bob"
    Then the request should fail with "timed out"
    When "Frank" requests "nginx" of "Alice" from outside
    Then the request should fail with "timed out"
    # Who has asked before the move finds the new place when the answer of that time may be remembered no longer.
    When "Eve" requests "nginx" of "Alice" from outside by the name "bob.posemesh.example"
    Then the request should fail with "timed out"
    When 1 minute passes
    And "Eve" requests "nginx" of "Alice" from outside by the name "bob.posemesh.example"
    Then the request should be answered

  Scenario: A node moves again and again, and its name follows
    Given the following nodes
      | nodes | role | onboarded | org   |
      | Alice | SP   | false     | nunet |
      | Dora  | SP   | false     | nunet |
      | Eve   | SP   | false     | -     |
      | Bob   | CP   | true      | nunet |
    And the scenario:
      """
      dynamic_dns: {zone: posemesh.example, server: dora, ttl: 1m, lease: 10m, peers: [bob]}
      """
    And "Alice" has deployed "nginx.yaml" on "Bob"
    And "Alice" deployment is running
    When "Bob" moves to another public address
    And 2 minutes pass
    And "Bob" moves to another public address
    And 2 minutes pass
    And "Bob" moves to another public address
    Then the name "bob.posemesh.example" should lead to "Bob"
    When "Eve" requests "nginx" of "Alice" from outside by the name "bob.posemesh.example"
    Then the request should be answered
    When "Eve" requests "nginx" of "Alice" from outside at the former address of "Bob"
    Then the request should fail with "timed out"

  Scenario: The name of a node that is gone leads nowhere when nobody renews it
    Given the following nodes
      | nodes | role | onboarded | org   |
      | Alice | SP   | false     | nunet |
      | Dora  | SP   | false     | nunet |
      | Eve   | SP   | false     | -     |
      | Bob   | CP   | true      | nunet |
    And the scenario:
      """
      dynamic_dns: {zone: posemesh.example, server: dora, ttl: 1m, lease: 10m, peers: [bob]}
      """
    And "Alice" has deployed "nginx.yaml" on "Bob"
    And "Alice" deployment is running
    When "Bob" machine goes down for good
    Then the name "bob.posemesh.example" should lead to "Bob"
    When "Eve" requests "nginx" of "Alice" from outside by the name "bob.posemesh.example"
    Then the request should fail with "timed out"
    When 11 minutes pass
    Then the name "bob.posemesh.example" should lead nowhere
    When "Eve" requests "nginx" of "Alice" from outside by the name "bob.posemesh.example"
    Then the request should fail with "no such name"

  Scenario: A move stays unknown while the server of the zone is away
    Given the following nodes
      | nodes | role | onboarded | org   |
      | Alice | SP   | false     | nunet |
      | Dora  | SP   | false     | nunet |
      | Eve   | SP   | false     | -     |
      | Frank | SP   | false     | -     |
      | Bob   | CP   | true      | nunet |
    And the scenario:
      """
      dynamic_dns: {zone: posemesh.example, server: dora, ttl: 5m, lease: 10m, peers: [bob]}
      faults:
        - crash: {at: 2m, peer: dora, repair: 2m}
      """
    And "Alice" has deployed "nginx.yaml" on "Bob"
    And "Alice" deployment is running
    When "Eve" requests "nginx" of "Alice" from outside by the name "bob.posemesh.example"
    Then the request should be answered
    # The server is down from the second minute to the fourth: who has an answer goes on, nobody gets one.
    When 2 minutes pass
    And "Eve" requests "nginx" of "Alice" from outside by the name "bob.posemesh.example"
    Then the request should be answered
    When "Frank" requests "nginx" of "Alice" from outside by the name "bob.posemesh.example"
    Then the request should fail with "the server of the zone does not answer"
    When "Bob" moves to another public address
    And "Eve" requests "nginx" of "Alice" from outside by the name "bob.posemesh.example"
    Then the request should fail with "timed out"
    When 3 minutes pass
    Then the name "bob.posemesh.example" should lead to "Bob"
    When "Frank" requests "nginx" of "Alice" from outside by the name "bob.posemesh.example"
    Then the request should be answered

  Scenario: Launch a deployment with a Relay Node
    Given the following nodes
      | nodes   | role      | onboarded | org   | nat             |
      | Alice   | SP        | false     | nunet | public          |
      | Boot    | BOOTSTRAP | false     | nunet | -               |
      | Rita    | RELAY     | false     | nunet | -               |
      | Bob     | CP        | true      | nunet | port_restricted |
      | Charlie | CP        | true      | nunet | symmetric       |
    And the scenario:
      """
      network:
        nat: {shares: {public: 100%, full_cone: 0, restricted: 0, port_restricted: 0, symmetric: 0,
          carrier_grade: 0, firewalled: 0}, start: fresh}
      """
    And Target "Bob" waits to perform AutoNAT and obtain relay circuits
    And Target "Charlie" waits to perform AutoNAT and obtain relay circuits
    When "Alice" has services deployed on "Bob" and "Charlie"
    And allocation "nginxA" of "Alice" requests "nginxB"
    Then the request should be answered
    And the request should have gone over "Rita"
    When allocation "nginxB" of "Alice" requests "nginxA"
    Then the request should be answered
    And the request should have gone over "Rita"
    # Nobody outside of the network of peers gets through a translator, relay or not.
    When "Alice" requests "nginxA" of "Alice" from outside
    Then the request should fail with "unreachable"
    When "Rita" machine goes down for good
    And 2 minutes pass
    And allocation "nginxA" of "Alice" requests "nginxB"
    Then the request should fail with "unreachable"

  Scenario: Traffic moves to another relay when the first one goes down
    Given the following nodes
      | nodes   | role      | onboarded | org   | nat             |
      | Alice   | SP        | false     | nunet | public          |
      | Boot    | BOOTSTRAP | false     | nunet | -               |
      | Rita    | RELAY     | false     | nunet | -               |
      | Roger   | RELAY     | false     | nunet | -               |
      | Bob     | CP        | true      | nunet | port_restricted |
      | Charlie | CP        | true      | nunet | symmetric       |
    And the scenario:
      """
      network:
        nat: {shares: {public: 100%, full_cone: 0, restricted: 0, port_restricted: 0, symmetric: 0,
          carrier_grade: 0, firewalled: 0}, start: fresh}
      """
    And Target "Bob" waits to perform AutoNAT and obtain relay circuits
    And Target "Charlie" waits to perform AutoNAT and obtain relay circuits
    And "Alice" has services deployed on "Bob" and "Charlie"
    When "Rita" machine goes down for good
    And 2 minutes pass
    And allocation "nginxA" of "Alice" requests "nginxB"
    Then the request should be answered
    And the request should have gone over "Roger"

  # The ping of this step is a message to the own node, which the real DMS drops.
  @C15
  Scenario: A service provider behind a translator reaches its node over a Relay Node
    Given the following nodes
      | nodes | role      | onboarded | org   | nat             |
      | Alice | SP        | false     | nunet | port_restricted |
      | Boot  | BOOTSTRAP | false     | nunet | -               |
      | Rita  | RELAY     | false     | nunet | -               |
      | Bob   | CP        | true      | nunet | symmetric       |
    And the scenario:
      """
      network:
        nat: {shares: {public: 100%, full_cone: 0, restricted: 0, port_restricted: 0, symmetric: 0,
          carrier_grade: 0, firewalled: 0}, start: fresh}
      """
    And Target "Alice" waits to perform AutoNAT and obtain relay circuits
    And Target "Bob" waits to perform AutoNAT and obtain relay circuits
    When "Alice" deploys "nginx.yaml" on "Bob"
    Then "Alice" deployment is running
    When "Alice" attempts to connect to "Bob"
    Then the connection should succeed via relay

  Scenario: Without a Relay Node nothing is deployed on a node that cannot be dialled
    Given the following nodes
      | nodes | role      | onboarded | org   | nat             |
      | Alice | SP        | false     | nunet | port_restricted |
      | Boot  | BOOTSTRAP | false     | nunet | -               |
      | Bob   | CP        | true      | nunet | symmetric       |
    And the scenario:
      """
      network:
        nat: {shares: {public: 100%, full_cone: 0, restricted: 0, port_restricted: 0, symmetric: 0,
          carrier_grade: 0, firewalled: 0}, start: fresh}
      """
    When 2 minutes pass
    And "Alice" attempts to connect to "Bob"
    Then the connection should fail if no relay
    When "Alice" deploys "nginx.yaml" on "Bob"
    Then "Alice" deployment should fail
