Feature: NAT
  Stakeholders: service providers, resource providers
  Environment: feature, with isolated networks
  Development: implemented

  @C15
  Scenario: Two nodes behind different NATs connect via relay
    Given I have 2 DMS nodes on isolated NAT networks
    When "Alice" attempts to connect to "Bob"
    Then the connection should fail if no relay
    When Target "Bob" waits to perform AutoNAT and obtain relay circuits
    Then "Alice" should have a relay address advertised
    And "Bob" should have a relay address advertised
    When "Alice" attempts to connect to "Bob"
    Then the connection should succeed via relay
