Feature: Service Deployment
  Stakeholders: service providers
  Environment: feature or testnet
  Development: implemented

  Background:
    Given the following nodes
      | nodes | role | onboarded | org   |
      | Alice | SP   | false     | nunet |
      | Bob   | CP   | true      | nunet |

  Scenario: A service runs and answers
    When "Alice" deploys "nginx.yaml" on "Bob"
    Then "Alice" deployment is running
    And "Alice" deployment should have 1 allocation running on "Bob"
    And "Alice" deployment should be reachable from "Alice"
    When "Alice" list deployments
    Then "Alice" should see 1 deployment

  Scenario: Two services run in one deployment
    Given "Alice" has 2 allocations deployed on "Bob"
    Then "Alice" deployment should have 2 allocations running on "Bob"
    And "Alice" deployment should be reachable from "Alice"
    When "Alice" list deployments
    Then "Alice" should see 1 deployment

  Scenario: The same ensemble is deployed twice
    When "Alice" deploys "nginx_any_port.yaml" on "Bob" as "first"
    And "Alice" deploys "nginx_any_port.yaml" on "Bob" as "second"
    Then "first" deployment is running
    And "second" deployment is running
    And "first" deployment should have 1 allocation running on "Bob"
    And "second" deployment should have 1 allocation running on "Bob"
    And "first" deployment should be reachable from "Alice"
    And "second" deployment should be reachable from "Alice"
    When "Alice" list deployments
    Then "Alice" should see 2 deployments

  Scenario: A public port that is taken is refused
    Given "Alice" deploys "nginx.yaml" on "Bob" as "first"
    And "first" deployment is running
    When "Alice" deploys "nginx.yaml" on "Bob" as "second"
    Then "second" deployment should fail
    And "Bob" should have refused "second" deployment with "port"
    And "first" deployment should be reachable from "Alice"
