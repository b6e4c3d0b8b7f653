Feature: System and Peer Status
  Stakeholders: resource providers
  Environment: feature or testnet
  Development: implemented

  Background:
    Given the following nodes
      | nodes   | role | onboarded | org   |
      | Alice   | SP   | false     | nunet |
      | Bob     | CP   | true      | nunet |
      | Charlie | CP   | false     | nunet |
      | Mallory | SP   | false     |       |

  Scenario: View DMS status (version, onboarding status, DMS DID)
    Given the following nodes
      | nodes | role | onboarded | org   | profile                   |
      | Dave  | CP   | true      | nunet | intended                  |
      | Erin  | CP   | false     | nunet | {base: as-is, fix: [C15]} |
    When "Dave" views its status
    Then the status should be that of "Dave"
    And the status should show that it is onboarded
    When "Dave" asks for the version of DMS
    Then the version should be "intended"
    When "Erin" views its status
    Then the status should be that of "Erin"
    And the status should show that it is not onboarded
    When "Erin" asks for the version of DMS
    Then the version should be "as-is, fix C15"

  Scenario: View DMS status of another node
    When "Alice" views the status of "Bob"
    Then "Alice" should not be answered
    When "Bob" grants "/dms/node/status" to "Alice"
    And "Alice" views the status of "Bob"
    Then the status should be that of "Bob"
    And the status should show that it is onboarded

  @C15
  Scenario: View self peer information
    When "Alice" views its peer information
    Then the peer information should be that of "Alice"
    When "Bob" views its peer information
    Then the peer information should be that of "Bob"

  @C15
  Scenario: View connected peers
    When "Alice" connects to "Bob"
    And "Alice" connects to "Charlie"
    And "Alice" views its connected peers
    Then "Bob" should be among the peers
    And "Charlie" should be among the peers
    And "Alice" should not be among the peers
    And all of the peers should be connected

  @C15
  Scenario: View DHT peers
    When "Alice" connects to "Bob"
    And 1 minute passes
    And "Alice" views its known peers
    Then "Bob" should be among the peers
    When "Bob" views its known peers
    Then "Alice" should be among the peers
    And "Bob" should not be among the peers

  @C15
  Scenario: Ping a connected peer
    Given "Alice" connects to "Bob"
    When "Alice" pings "Bob"
    Then "Alice" should be answered
    And the round trip should take less than 1000 ms

  @C15
  Scenario: Ping a peer that is down
    Given the scenario:
      """
      faults:
        - crash: {at: 1m, peers: [bob], repair: 5m}
      """
    And "Alice" connects to "Bob"
    And 2 minutes pass
    When "Alice" pings "Bob"
    Then "Alice" should be refused with "no pong"
    When 6 minutes pass
    And "Alice" pings "Bob"
    Then "Alice" should be answered

  @C15
  Scenario: Connect to a peer
    When "Alice" connects to "Bob"
    Then "Alice" should be answered
    When "Bob" connects to "Alice"
    And 1 minute passes
    Then "Bob" should have a peer score of 5 at "Alice"

  @C15
  Scenario: Connect to a peer that is down
    Given the scenario:
      """
      faults:
        - crash: {at: 1m, peers: [bob], repair: 5m}
      """
    And 2 minutes pass
    When "Alice" connects to "Bob"
    Then "Alice" should be refused with "failed to connect"
    When 6 minutes pass
    And "Alice" connects to "Bob"
    Then "Alice" should be answered

  @C15
  Scenario: Ensure connected peers list reflects only active connections
    Given the scenario:
      """
      faults:
        - crash: {at: 1m, peers: [bob], repair: 5m}
      """
    And "Alice" connects to "Bob"
    And "Alice" connects to "Charlie"
    And "Alice" views its connected peers
    And "Bob" should be among the peers
    When 2 minutes pass
    And "Alice" views its connected peers
    Then "Bob" should not be among the peers
    And "Charlie" should be among the peers
    And all of the peers should be connected
    When 6 minutes pass
    And "Alice" connects to "Bob"
    And "Alice" views its connected peers
    Then "Bob" should be among the peers
    And all of the peers should be connected

  @C15
  Scenario: Ensure connected peers list reflects only active connections across a partition
    Given the scenario:
      """
      faults:
        - partition: {at: 1m, for: 5m, between: [{peers: [bob]}, rest]}
      """
    And "Alice" connects to "Bob"
    And 2 minutes pass
    When "Alice" views its connected peers
    Then "Bob" should not be among the peers
    When 6 minutes pass
    And "Alice" views its connected peers
    Then "Bob" should be among the peers

  Scenario: Broadcast hello to a topic
    When "Alice" says hello to "Bob"
    Then "Bob" should respond with his <DID>
    And "Charlie" should respond with his <DID>
    And "Mallory" should not respond with his <DID>
    When "Mallory" says hello to "Bob"
    Then "Bob" should not respond with his <DID>
